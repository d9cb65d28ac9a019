import { describe, expect, it } from '@jest/globals'
import type { ClientEvent, ClientPayload } from '@chatbox/contract'
import { override } from '../environment/override.ts'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'
import type { ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'

const OPERATOR = { userId: 'operator', roles: ['chat_admin'] }
const h = useGateway()

/** A gateway whose store answers no search for a session until it is let go. */
async function startHeld() {
  const gate = { held: Promise.withResolvers<undefined>(), isHeld: false, asked: 0 }
  const { sessions } = h.backend.ports
  const find: typeof sessions.find = async (id) => {
    gate.asked++
    if (gate.isHeld) await gate.held.promise
    return await sessions.find(id)
  }
  const gateway = await h.startOther({}, { sessions: override(sessions, { find }) })
  return { url: gateway.url, gate }
}

async function loseRole(user: ChatUser): Promise<void> {
  await user.emit('token:refresh', { token: await signToken({ sub: OPERATOR.userId }) })
}

const EVENTS: { [E in ClientEvent]?: (sessionId: string) => ClientPayload<E> } = {
  'session:open': (sessionId) => ({ sessionId }),
  'session:history': (sessionId) => ({ sessionId, beforeSeq: 2 }),
  'session:end': (sessionId) => ({ sessionId }),
  typing: (sessionId) => ({ sessionId, typing: true }),
  'message:read': (sessionId) => ({ sessionId, seq: 1 }),
}

describe('a role that is lost while an event waits for the store', () => {
  it.each(Object.keys(EVENTS) as (keyof typeof EVENTS)[])(
    'does not count any more: %s',
    async (event) => {
      const { url, gate } = await startHeld()
      const owner = await h.connect({ url })
      const { session } = await owner.open()
      await owner.send(session, 'only for operators')
      const operator = await h.connect({ url, ...OPERATOR })
      gate.isHeld = true
      const payload = EVENTS[event]?.(session.id)
      const answer = operator.emitRaw(event, payload)
      await waitUntil(() => gate.asked > 0)
      await loseRole(operator)
      gate.held.resolve(undefined)
      expect(await answer).toMatchObject({ ok: false })
      gate.isHeld = false

      await owner.send(session, 'not for you')
      expect((await operator.refusal('session:open', { sessionId: session.id })).code).toBe(
        'NOT_FOUND',
      )
      expect(operator.received.map(({ event: name }) => name)).toEqual(['ready'])
      expect((await owner.open({ sessionId: session.id })).session.status).toBe('active')
      const seen = owner.received.map(({ event: name }) => name)
      expect(seen).not.toContain('typing')
      expect(seen).not.toContain('message:receipt')
    },
  )

  it('does not count either where the answer of the log comes late', async () => {
    const { messages } = h.backend.ports
    const asked = Promise.withResolvers<undefined>()
    const held = Promise.withResolvers<undefined>()
    let isHeld = false
    const slow = override(messages, {
      async open(sessionId, range) {
        const opened = await messages.open(sessionId, range)
        if (isHeld) {
          asked.resolve(undefined)
          await held.promise
        }
        return opened
      },
    })
    const { url } = await h.startOther({}, { messages: slow })
    const owner = await h.connect({ url })
    const { session } = await owner.open()
    const operator = await h.connect({ url, ...OPERATOR })
    isHeld = true
    const answer = operator.emitRaw('session:open', { sessionId: session.id })
    await asked.promise
    await loseRole(operator)
    held.resolve(undefined)
    expect(await answer).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } })
    await owner.send(session, 'not for you')
    await operator.open()
    expect(operator.received.map(({ event }) => event)).not.toContain('message:new')
  })
})

describe('what was read under a role', () => {
  it('is not answered once the role is lost', async () => {
    const { messages } = h.backend.ports
    const asked = Promise.withResolvers<undefined>()
    const held = Promise.withResolvers<undefined>()
    const slow = override(messages, {
      async read(sessionId, range) {
        const page = await messages.read(sessionId, range)
        asked.resolve(undefined)
        await held.promise
        return page
      },
    })
    const { url } = await h.startOther({}, { messages: slow })
    const owner = await h.connect({ url })
    const { session } = await owner.open()
    await owner.send(session, 'only for operators')
    const operator = await h.connect({ url, ...OPERATOR })
    const asking = { sessionId: session.id, beforeSeq: 2 }
    const answer = operator.emitRaw('session:history', asking)
    await asked.promise
    await loseRole(operator)
    held.resolve(undefined)
    expect(await answer).toMatchObject({ ok: false, error: { code: 'CONFLICT', retryable: true } })
    expect((await operator.refusal('session:history', asking)).code).toBe('NOT_FOUND')
  })
})

describe('a renewal', () => {
  it('leaves the rooms of others and keeps one’s own', async () => {
    const owner = await h.connect()
    const { session: foreign } = await owner.open()
    const operator = await h.connect(OPERATOR)
    const colleague = await h.connect(OPERATOR)
    const { session: own } = await operator.open()
    await operator.open({ sessionId: foreign.id })
    await loseRole(operator)
    await owner.send(foreign, 'not for you')
    await colleague.open({ sessionId: own.id })
    await colleague.send(own, 'for me')
    await operator.waitFor('message:new', ({ message }) => message.content === 'for me')
    const texts = operator.received.map((one) =>
      one.event === 'message:new' ? one.payload.message.content : undefined,
    )
    expect(texts).not.toContain('not for you')
  })

  it('that keeps the role keeps everything', async () => {
    const owner = await h.connect()
    const { session } = await owner.open()
    const operator = await h.connect(OPERATOR)
    await operator.open({ sessionId: session.id })
    const token = await signToken({ sub: OPERATOR.userId, roles: OPERATOR.roles })
    await operator.emit('token:refresh', { token })
    await owner.send(session, 'for operators')
    await operator.waitFor('message:new', ({ message }) => message.content === 'for operators')
  })
})
