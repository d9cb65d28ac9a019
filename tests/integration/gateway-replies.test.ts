import { describe, expect, it } from '@jest/globals'
import type { Message, Session } from '@chatbox/contract'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway()

function failReply(session: Session, question: Message, replyId: string): Promise<unknown> {
  const { messages, clock } = h.backend.ports
  return messages.append({
    message: {
      id: replyId,
      sessionId: session.id,
      kind: 'text',
      sender: { type: 'ai', id: 'demo', name: 'Demo' },
      content: 'half',
      attachments: [],
      replyTo: question.id,
      status: 'failed',
      modelId: 'demo',
      createdAt: clock.now().toISOString(),
    },
  })
}

/** Takes and settles the open question of a session, as a worker does. */
async function answer(session: Session, status: Message['status']): Promise<Message> {
  const { messages, replies } = h.backend.ports
  const open = await replies.findOpen(session.id)
  if (!open) throw new Error('no question waits')
  const claim = await replies.claim(open, 15_000)
  if (!claim) throw new Error('the question is taken')
  const finishedAt = new Date().toISOString()
  const outcome = { status, content: 'half', modelId: open.modelId, finishedAt }
  expect(await replies.commit(claim, outcome)).toBe('committed')
  const question = await messages.find(session.id, open.messageId)
  if (!question) throw new Error('the question is gone')
  await failReply(session, question, claim.replyId)
  await replies.settle(open, claim.epoch, 'done')
  const reply = await messages.find(session.id, claim.replyId)
  if (!reply) throw new Error('the reply is not in the log')
  return reply
}

describe('reply:stop and reply:retry', () => {
  it('stores the wish to stop and passes it on', async () => {
    const stops: string[] = []
    await h.backend.ports.bus.onStop((replyId) => stops.push(replyId))
    const user = await h.connect()
    const { session } = await user.open()
    await user.send(session, 'a question')
    const replyId = (await user.open()).reply?.replyId ?? ''
    expect(await user.emit('reply:stop', { sessionId: session.id, replyId })).toEqual({
      stopped: true,
    })
    expect((await h.backend.ports.replies.findOpen(session.id))?.stopRequested).toBe(true)
    expect(stops).toContain(replyId)
    const payload = { sessionId: session.id, replyId: 'unknown' }
    expect((await user.refusal('reply:stop', payload)).code).toBe('NOT_FOUND')
  })

  it('asks again where a reply failed, once however often it is asked to', async () => {
    const user = await h.connect()
    const { session } = await user.open()
    const question = await user.send(session, 'a question')
    const reply = await answer(session, 'failed')
    expect(await user.emit('reply:stop', { sessionId: session.id, replyId: reply.id })).toEqual({
      stopped: false,
    })
    const retry = { sessionId: session.id, messageId: reply.id }
    const first = await user.emit('reply:retry', retry)
    expect(await user.emit('reply:retry', retry)).toEqual(first)
    expect((await user.open()).reply).toMatchObject({
      replyId: first.replyId,
      replyTo: question.id,
      attempt: 0,
    })
    const wrong = { sessionId: session.id, messageId: question.id }
    expect((await user.refusal('reply:retry', wrong)).code).toBe('CONFLICT')
    await user.emit('session:end', { sessionId: session.id })
    expect((await user.refusal('reply:retry', retry)).code).toBe('SESSION_ENDED')
  })
})

describe('what belongs to somebody else', () => {
  const seq = { beforeSeq: 9 }
  const text = { clientMessageId: 'c', content: 'x' }

  it.each([
    ['session:open', {}],
    ['session:end', {}],
    ['session:history', seq],
    ['message:send', text],
    ['message:read', { seq: 0 }],
    ['reply:stop', { replyId: 'REPLY' }],
    ['reply:retry', { messageId: 'QUESTION' }],
    ['typing', { typing: true }],
    ['model:select', { modelId: 'other' }],
  ])('cannot be told from what does not exist by %s', async (event, payload) => {
    const owner = await h.connect()
    const { session } = await owner.open()
    const question = await owner.send(session, 'secret')
    const before = await owner.open()
    const thief = await h.connect()
    const own = (await thief.open()).session.id
    const ids = { REPLY: before.reply?.replyId ?? '', QUESTION: question.id }
    const text = JSON.stringify(payload)
      .replace('REPLY', ids.REPLY)
      .replace('QUESTION', ids.QUESTION)
    const named = JSON.parse(text) as Record<string, unknown>

    // Foreign and unknown sessions, and what is foreign in a session of one's own.
    const sessionIds = [
      session.id,
      'unknown',
      ...('replyId' in named || 'messageId' in named ? [own] : []),
    ]
    for (const sessionId of sessionIds) {
      const { requestId, ...error } = await thief.refusal(event, { ...named, sessionId })
      expect(error).toEqual({
        code: 'NOT_FOUND',
        message: 'There is no such session, message or reply.',
        retryable: false,
      })
      expect(requestId).toMatch(/^[\w-]{22}$/)
    }
    expect(await owner.open()).toEqual(before)
    expect(owner.received.some((one) => one.event === 'typing')).toBe(false)
  })

  it('may be seen and ended by an operator, but not written in', async () => {
    const owner = await h.connect()
    const { session } = await owner.open()
    const operator = await h.connect({ roles: ['chat_admin'] })
    expect((await operator.open({ sessionId: session.id })).session.id).toBe(session.id)
    const message = { sessionId: session.id, clientMessageId: 'c', content: 'x' }
    expect((await operator.refusal('message:send', message)).code).toBe('FORBIDDEN')
  })
})
