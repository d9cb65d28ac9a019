import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { startHeads, type Heads } from './heads.ts'
import type { SessionRoom } from './session-rooms.ts'

describe('startHeads', () => {
  let heads: Heads
  let reads: number[]
  let known: number[]
  let sent: string[]
  let startedAt: number
  let fail: boolean

  function start(count: number) {
    const rooms = Array.from({ length: count }, (_, index): SessionRoom => {
      const subscription = Promise.resolve(() => Promise.resolve())
      return { sessionId: `s${index}`, members: new Set(), subscription }
    })
    const emit = (event: string, head: { sessionId: string; lastSeq: number }) => {
      sent.push(`${event} ${head.sessionId} ${head.lastSeq}`)
      return true
    }
    startedAt = Date.now()
    heads = startHeads({
      io: { local: { to: () => ({ emit }) } } as never,
      rooms: { values: () => rooms, subscribe: () => Promise.resolve() },
      sessions: {
        findHead: async (id, knownSeq) => {
          reads.push(Date.now() - startedAt)
          known.push(knownSeq)
          if (fail) throw new Error('away')
          return id === 's1' ? undefined : 7
        },
      },
      clock: { now: () => new Date(), random: Math.random },
    })
    return rooms
  }

  beforeEach(() => {
    reads = []
    known = []
    sent = []
    fail = false
    jest.useFakeTimers()
  })
  afterEach(() => {
    heads.stop()
    jest.useRealTimers()
  })

  it('says each head about every 25 s, none for a session that is gone', async () => {
    start(2)
    await jest.advanceTimersByTimeAsync(15_000)
    expect(sent).toEqual([])
    await jest.advanceTimersByTimeAsync(86_000)
    expect(new Set(sent)).toEqual(new Set(['session:head s0 7']))
    expect(sent.length).toBeGreaterThanOrEqual(3)
    expect(sent.length).toBeLessThanOrEqual(5)
  })

  it('asks for what came after the head that it has said', async () => {
    start(1)
    await jest.advanceTimersByTimeAsync(101_000)
    expect(known.length).toBeGreaterThanOrEqual(3)
    expect([known[0], ...new Set(known.slice(1))]).toEqual([0, 7])
  })

  it('sweeps all within seconds, never more than 200 a second', async () => {
    start(1000)
    heads.sweep()
    await jest.advanceTimersByTimeAsync(8000)
    expect(reads).toHaveLength(1000)
    for (let second = 0; second < 8; second++) {
      const count = reads.filter((atMs) => Math.floor(atMs / 1000) === second).length
      expect(count).toBeLessThanOrEqual(200)
    }
  })

  it('hurries one, and goes on after the store was away', async () => {
    const [first] = start(3)
    fail = true
    if (first) heads.hurry(first)
    await jest.advanceTimersByTimeAsync(300)
    expect([reads.length, sent.length]).toEqual([1, 0])
    fail = false
    if (first) heads.hurry(first)
    await jest.advanceTimersByTimeAsync(300)
    expect(sent).toEqual(['session:head s0 7'])
  })
})
