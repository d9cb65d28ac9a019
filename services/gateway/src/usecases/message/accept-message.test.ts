import { describe, expect, it } from '@jest/globals'
import type { User } from '@chatbox/contract'
import type { NewEntry } from '@chatbox/core'
import { acceptMessage, type AcceptMessageDeps } from './accept-message.ts'

const ANN: User = { id: 'ann', name: 'Ann of the marker', roles: ['user'] }
const SESSION = { id: 'session', userId: ANN.id, lastSeq: 0 }
const INPUT = { sessionId: SESSION.id, clientMessageId: 'message', content: 'Text of the marker' }

function setUp() {
  const stored: NewEntry[] = []
  const jobs: unknown[] = []
  const deps = {
    viewer: { seen: () => SESSION },
    messages: {
      async append(entry: NewEntry) {
        stored.push(entry)
        return { message: { ...entry.message, seq: 1 }, session: SESSION, appended: true }
      },
    },
    queue: { enqueue: async (...job: unknown[]) => void jobs.push(job) },
    clock: { now: () => new Date(0), newId: () => 'id' },
    announcer: { announceEntry: () => undefined },
    onAccepted: () => undefined,
    afterAnswer: (task: () => void) => task(),
  } as unknown as AcceptMessageDeps
  return { deps, stored, jobs }
}

describe('acceptMessage', () => {
  it('asks for an answer by ids alone', async () => {
    const { deps, stored, jobs } = setUp()
    await acceptMessage(deps, ANN, INPUT)
    expect(stored[0]?.message.content).toBe(INPUT.content)
    expect(jobs).toHaveLength(1)
    expect(JSON.stringify(jobs)).toContain(SESSION.id)
    expect(JSON.stringify(jobs)).not.toContain('marker')
  })
})
