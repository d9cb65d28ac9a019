import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Session, User } from '@chatbox/contract'
import { AppError, initialState, placeEntry, toSession, type LogHead } from '@chatbox/core'
import { toOwnedId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import { resumeOrStartSession } from './start-session.ts'

const pseudonym = (name: string) => `mark-of-${name}`
const ANN: User = { id: 'ann', name: 'Ann', roles: ['user'] }
const origin = { id: 'old', userId: 'ann', userName: 'Ann', startedAt: '2026-01-01T00:00:00.000Z' }

describe('resumeOrStartSession', () => {
  let head: LogHead
  let current: Session | undefined
  /** Runs between the moment a session is found and the moment it is ended. */
  let meanwhile: () => void
  let announced: string[]

  const sessions: Partial<Context['sessions']> = {
    find: async () => toSession(origin, head),
    async findActive() {
      if (current) return current
      if (head.state.status === 'ended') return undefined
      const found = toSession(origin, head)
      meanwhile()
      return found
    },
    async create(session) {
      const { modelId, ...began } = session
      current = toSession(began, { seq: 0, state: initialState(modelId, began.startedAt) })
      return { session: current, created: true }
    },
  }
  const messages: Partial<Context['messages']> = {
    async append(entry) {
      const placed = placeEntry(head, entry)
      head = { seq: placed.message.seq, state: placed.state }
      return { message: placed.message, session: toSession(origin, head), appended: true }
    },
  }
  const announceEntry: Context['announceEntry'] = (message) => {
    announced.push(message.event?.type ?? 'text')
  }
  const clock = { now: () => new Date('2026-01-01T01:00:00.000Z'), newId: () => 'new' }
  const context = {
    ...{ sessions, messages, announceEntry, clock, pseudonym },
    replies: { cancel: async () => [] },
    bus: { publishStop: async () => undefined },
    options: { models: [{ id: 'demo', name: 'Demo' }], sessions: { reconnectTimeoutMs: 60_000 } },
  } as unknown as Context

  const speak = () => {
    const state = { ...head.state, lastActivityAt: clock.now().toISOString() }
    head = { seq: head.seq + 1, state }
  }
  const end = () => {
    head = { seq: head.seq + 1, state: { ...head.state, status: 'ended' } }
  }

  beforeEach(() => {
    head = { seq: 3, state: initialState('demo', origin.startedAt) }
    current = undefined
    meanwhile = () => undefined
    announced = []
  })

  it('ends a session that was left behind, and starts another', async () => {
    expect((await resumeOrStartSession(context, ANN)).id).toBe(toOwnedId('new', pseudonym(ANN.id)))
    expect([head.state.status, announced]).toEqual(['ended', ['session_ended']])
  })

  it('ends none that somebody has gone on with in the meantime', async () => {
    meanwhile = speak
    expect((await resumeOrStartSession(context, ANN)).id).toBe('old')
    expect([head.state.status, announced]).toEqual(['active', []])
  })

  it('takes it as it is where somebody else has ended it', async () => {
    meanwhile = end
    expect((await resumeOrStartSession(context, ANN)).id).toBe(toOwnedId('new', pseudonym(ANN.id)))
    expect(announced).toEqual([])
  })

  it('gives up where it can neither resume nor end', async () => {
    const append = () => Promise.reject(new AppError('CONFLICT', 'The session has gone on.'))
    const stuck = { ...context, messages: { ...context.messages, append } }
    await expect(resumeOrStartSession(stuck, ANN)).rejects.toMatchObject({
      code: 'CONFLICT',
      retryable: true,
    })
  })
})
