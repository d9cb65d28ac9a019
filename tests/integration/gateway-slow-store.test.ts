import { describe, expect, it } from '@jest/globals'
import { override } from '../environment/override.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { TestPorts } from '../support/test-gateway.ts'
import { signToken } from '../environment/tokens.ts'

const h = useGateway()
/** Two of these, each within the store's own bound, are too long for one event. */
const CALL_MS = 2000
const IN_TIME_MS = 3500

function slowed({ sessions, messages }: TestPorts): Partial<TestPorts> {
  const late = async <T>(work: () => Promise<T>): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, CALL_MS))
    return await work()
  }
  return {
    sessions: override(sessions, { find: (id) => late(() => sessions.find(id)) }),
    messages: override(messages, {
      open: (id, range) => late(() => messages.open(id, range)),
      find: (sessionId, id) => late(() => messages.find(sessionId, id)),
      read: (id, range) => late(() => messages.read(id, range)),
    }),
  }
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

describe('a store that is slow at every call', () => {
  it('costs an event 3 s in all, not 3 s a call', async () => {
    const slow = await h.startOther({}, slowed(h.backend.ports))
    const user = await h.connect()
    const { session } = await user.open()
    const question = await user.send(session, 'a question')
    const impatient = await h.connect({ url: slow.url, userId: session.userId })
    const payload = { sessionId: session.id, messageId: question.id }
    const took = await elapsedMs(async () => {
      expect(await impatient.refusal('reply:retry', payload)).toMatchObject({
        code: 'UNAVAILABLE',
        retryable: true,
      })
    })
    expect(took).toBeLessThan(IN_TIME_MS)
  })

  it('costs a request 3 s in all', async () => {
    const slow = await h.startOther({}, slowed(h.backend.ports))
    const user = await h.connect()
    const { session } = await user.open()
    const headers = { Authorization: `Bearer ${await signToken({ sub: session.userId })}` }
    const took = await elapsedMs(async () => {
      const url = `${slow.url}/chatbox/api/sessions/${session.id}/messages`
      expect((await fetch(url, { headers })).status).toBe(503)
    })
    expect(took).toBeLessThan(IN_TIME_MS)
  })
})
