import { describe, expect, it } from '@jest/globals'
import type { User } from '@chatbox/contract'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { setTyping } from './signals.ts'

const ANN: User = { id: 'ann', name: 'Ann', roles: ['user'] }
const SESSION = { id: 'session', userId: ANN.id, lastSeq: 0 }
const START = Date.parse('2026-01-01T00:00:00.000Z')
const IDLE_MS = 8000

function setUp({ isAway = false } = {}) {
  const noted: number[] = []
  const warnings: string[] = []
  const told: boolean[] = []
  let now = START
  let last = 0
  const caller = {
    user: ANN,
    viewer: {
      seen: () => SESSION,
      wakes(_sessionId: string, atMs: number, everyMs: number) {
        if (atMs - last < everyMs) return false
        last = atMs
        return true
      },
    },
    announceTyping: ({ typing }: { typing: boolean }) => told.push(typing),
  } as unknown as Caller
  const pending: Promise<void>[] = []
  const context = {
    sessions: {
      async noteActivity(_sessionId: string, at: Date) {
        if (isAway) throw new Error('away')
        noted.push(at.getTime() - START)
      },
    },
    clock: { now: () => new Date(now) },
    options: { sessions: { idleTimeoutMs: IDLE_MS } },
    work: { add: (work: Promise<void>) => pending.push(work) },
    logger: { warn: (_fields: unknown, text: string) => warnings.push(text) },
  } as unknown as Context
  return {
    ...{ noted, warnings, told },
    type: async (atMs: number, typing = true) => {
      now = START + atMs
      await setTyping(context, caller, { sessionId: SESSION.id, typing })
      await Promise.all(pending)
    },
  }
}

describe('setTyping', () => {
  it('counts as an activity, noted four times in the time after which a session ends', async () => {
    const { noted, told, type } = setUp()
    for (let atMs = 0; atMs < 2 * IDLE_MS; atMs += 100) await type(atMs)
    expect(noted).toEqual([0, 2000, 4000, 6000, 8000, 10_000, 12_000, 14_000])
    expect(told).toHaveLength(160)
  })

  it('notes nothing when somebody stops typing', async () => {
    const { noted, told, type } = setUp()
    await type(0, false)
    expect([noted, told]).toEqual([[], [false]])
  })

  it('tells the others also while the store is away', async () => {
    const { warnings, told, type } = setUp({ isAway: true })
    await type(0)
    expect([told, warnings]).toEqual([[true], ['activity not noted']])
  })
})
