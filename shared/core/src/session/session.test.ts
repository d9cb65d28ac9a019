import { describe, expect, it } from '@jest/globals'
import { sessionSchema } from '@chatbox/contract'
import { toSession } from './session.ts'
import { initialState } from './session-state.ts'

const startedAt = '2026-01-02T03:04:05.000Z'
const origin = { id: 's1', userId: 'u1', userName: 'Ada', startedAt }

describe('toSession', () => {
  it('gives a new session the form of the wire', () => {
    const session = toSession(origin, { seq: 0, state: initialState('m1', startedAt) })
    expect(sessionSchema.parse(session)).toEqual(session)
    expect(session).toMatchObject({
      id: 's1',
      userName: 'Ada',
      status: 'active',
      modelId: 'm1',
      lastSeq: 0,
      lastActivityAt: startedAt,
      endedAt: null,
      responseTimeMs: { avg: 0, max: 0 },
      shared: false,
    })
  })

  it('averages response times over the replies that had one', () => {
    const state = {
      ...initialState('m1', startedAt),
      responses: { count: 3, totalMs: 1000, maxMs: 700 },
    }
    const session = toSession(origin, { seq: 9, state })
    expect(session.responseTimeMs).toEqual({ avg: 333, max: 700 })
    expect(session.lastSeq).toBe(9)
  })
})
