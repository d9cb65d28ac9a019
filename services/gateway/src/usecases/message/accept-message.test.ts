import { describe, expect, it } from '@jest/globals'
import type { User } from '@chatbox/contract'
import type { NewEntry } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { acceptMessage } from './accept-message.ts'

const ANN: User = { id: 'ann', name: 'Ann of the marker', roles: ['user'] }
const SESSION = { id: 'session', userId: ANN.id, lastSeq: 0 }
const INPUT = { sessionId: SESSION.id, clientMessageId: 'message', content: 'Text of the marker' }

function setUp() {
  const stored: NewEntry[] = []
  const jobs: unknown[] = []
  const caller = { user: ANN, viewer: { seen: () => SESSION } } as unknown as Caller
  const context = {
    messages: {
      async append(entry: NewEntry) {
        stored.push(entry)
        return { message: { ...entry.message, seq: 1 }, session: SESSION, appended: true }
      },
    },
    budgets: { isLimited: false },
    queue: { enqueue: async (...job: unknown[]) => void jobs.push(job) },
    clock: { now: () => new Date(0), newId: () => 'id' },
    metrics: { messageAccepted: () => undefined },
    announceEntry: () => undefined,
    work: { runAfterAnswer: (task: () => void) => task() },
  } as unknown as Context
  return { context, caller, stored, jobs }
}

describe('acceptMessage', () => {
  it('asks for an answer by ids alone', async () => {
    const { context, caller, stored, jobs } = setUp()
    await acceptMessage(context, caller, INPUT)
    expect(stored[0]?.message.content).toBe(INPUT.content)
    expect(jobs).toHaveLength(1)
    expect(JSON.stringify(jobs)).toContain(SESSION.id)
    expect(JSON.stringify(jobs)).not.toContain('marker')
  })
})
