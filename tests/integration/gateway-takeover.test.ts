import { describe, expect, it, jest } from '@jest/globals'
import type { ClientPayload } from '@chatbox/contract'
import { toReplyEntry } from '@chatbox/core'
import { useGateway } from '../support/gateway-harness.ts'
import { BOSS, OLGA, PAUL, useChats } from './takeover.support.ts'

const h = useGateway()
const { openChat, join, story, beginReply } = useChats(h)

describe('a takeover', () => {
  it('lets two people talk, and hands the chat back', async () => {
    const chat = await openChat()
    const { ann, session } = chat
    const olga = await join(OLGA, chat)
    await ann.emit('help:request', { sessionId: session.id })
    const taken = await olga.emit('takeover:start', { sessionId: session.id })
    expect(taken.session).toMatchObject({ help: null, adminAssisted: true })
    expect(taken.session.assistedBy).toMatchObject({ id: 'olga', name: 'Olga' })
    await ann.waitFor('message:new', ({ message }) => message.event?.type === 'takeover_started')
    await olga.send(session, 'Hello, this is Olga.')
    const { message } = await ann.waitFor('message:new', (told) => told.message.kind === 'text')
    expect(message.sender).toMatchObject({ type: 'admin', name: 'Olga' })
    await ann.send(session, 'Hello Olga')
    expect(await h.backend.ports.replies.findOpen(session.id)).toBeUndefined()
    const ended = await olga.emit('takeover:end', { sessionId: session.id })
    expect(ended.session).toMatchObject({ assistedBy: null, adminAssisted: true })
    const open = await h.backend.ports.replies.findOpen(session.id)
    expect(open?.questionSeq).toBe(ended.session.lastSeq)
    await ann.send(session, 'And now?')
    expect(await story(chat)).toEqual([
      'user help_requested',
      'admin takeover_started',
      'admin complete: Hello, this is Olga.',
      'user complete: Hello Olga',
      'admin takeover_ended',
      'user complete: And now?',
    ])
  })

  it('ends the reply that is being written, and keeps what was read of it before it', async () => {
    const chat = await openChat()
    const { ann, session } = chat
    const olga = await join(OLGA, chat)
    await ann.send(session, 'What is it?')
    const stops: string[] = []
    const stopListening = await h.backend.ports.bus.onStop((replyId) => stops.push(replyId))
    const { claim, goOn } = await beginReply(chat, 'It is a')
    await olga.emit('takeover:start', { sessionId: session.id })
    expect(await goOn(1, ' word of the model')).toBe('fenced')
    expect(await h.backend.ports.replies.renew(claim, 15_000)).toBe('lost')
    expect(stops).toContain(claim.replyId)
    await stopListening()
    const reply = (await ann.open({ sessionId: session.id })).messages[1]
    expect(reply?.usage).toEqual({
      promptTokens: 0,
      completionTokens: 0,
      totalTokens: 0,
      unknownAttempts: 1,
    })
    expect(await story(chat)).toEqual([
      'user complete: What is it?',
      'ai stopped: It is a',
      'admin takeover_started',
    ])
  })

  it('keeps a reply that a worker has finished and not yet written into the log', async () => {
    const chat = await openChat()
    const { ann, session } = chat
    const olga = await join(OLGA, chat)
    await ann.send(session, 'What is it?')
    const { claim } = await beginReply(chat, 'It is')
    const said = { status: 'complete' as const, content: 'It is done.', modelId: 'demo' }
    const finishedAt = new Date().toISOString()
    await h.backend.ports.replies.commit(claim, { ...said, finishedAt })
    await olga.emit('takeover:start', { sessionId: session.id })
    expect(await story(chat)).toEqual([
      'user complete: What is it?',
      'ai complete: It is done.',
      'admin takeover_started',
    ])
  })

  it('leaves no question open that is asked again while it begins', async () => {
    const chat = await openChat()
    const { ann, session } = chat
    const olga = await join(OLGA, chat)
    await ann.send(session, 'What is it?')
    const { claim } = await beginReply(chat, 'It is')
    const { replies, messages, sessions } = h.backend.ports
    const failed = { status: 'failed' as const, content: '', modelId: 'demo' }
    const outcome = { ...failed, finishedAt: new Date().toISOString() }
    await replies.commit(claim, outcome)
    const committed = await replies.findCommitted(claim)
    if (!committed) throw new Error('no reply was committed')
    await messages.append({ message: toReplyEntry(committed, 'Demo') })
    await replies.settle(claim, claim.epoch, 'done')
    const retry = jest.spyOn(replies, 'retry').mockImplementationOnce(async (input) => {
      await olga.emit('takeover:start', { sessionId: session.id })
      return replies.retry(input)
    })
    const input = { sessionId: session.id, messageId: claim.replyId }
    expect(await ann.refusal('reply:retry', input)).toMatchObject({ code: 'CONFLICT' })
    retry.mockRestore()
    expect((await sessions.find(session.id))?.assistedBy?.id).toBe('olga')
    expect(await replies.findOpen(session.id)).toBeUndefined()
  })

  it('answers at its end what was asked before it, if the person wrote nothing', async () => {
    const chat = await openChat()
    const { ann, session } = chat
    const olga = await join(OLGA, chat)
    await ann.send(session, 'What is it?')
    await beginReply(chat, 'It is a')
    await olga.emit('takeover:start', { sessionId: session.id })
    await olga.emit('takeover:end', { sessionId: session.id })
    const open = await h.backend.ports.replies.findOpen(session.id)
    expect(open).toMatchObject({ state: 'pending', questionSeq: 4 })
    expect((await ann.open({ sessionId: session.id })).reply?.replyId).toBe(open?.replyId)
  })

  it('asks nothing at its end where the person had the last word', async () => {
    const chat = await openChat()
    const { ann, session } = chat
    const olga = await join(OLGA, chat)
    await ann.send(session, 'What is it?')
    await olga.emit('takeover:start', { sessionId: session.id })
    await olga.send(session, 'It is a clock.')
    await olga.emit('takeover:end', { sessionId: session.id })
    expect(await h.backend.ports.replies.findOpen(session.id)).toBeUndefined()
  })

  it('settles a question that nobody has begun to answer', async () => {
    const chat = await openChat()
    const olga = await join(OLGA, chat)
    await chat.ann.send(chat.session, 'What is it?')
    await olga.emit('takeover:start', { sessionId: chat.session.id })
    expect(await h.backend.ports.replies.findOpen(chat.session.id)).toBeUndefined()
    expect((await chat.ann.open({ sessionId: chat.session.id })).reply).toBeNull()
  })

  it('belongs to one of fifty who click at once, and the others read who was first', async () => {
    const other = await h.startOther()
    const chat = await openChat()
    const sessionId = chat.session.id
    const operators = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        h.connect({
          url: index % 2 === 0 ? h.gateway.url : other.url,
          userId: `op-${index}`,
          name: `Operator ${index}`,
          roles: ['chat_admin'],
        }),
      ),
    )
    const acks = await Promise.all(
      operators.map((operator) => operator.emitRaw('takeover:start', { sessionId })),
    )
    const first = acks.findIndex(({ ok }) => ok)
    const refused = acks.flatMap((ack) => (ack.ok ? [] : [ack.error]))
    expect(refused).toHaveLength(49)
    for (const { code, message } of refused) {
      expect([code, message]).toEqual(['CONFLICT', `Operator ${first} has this chat.`])
    }
    for (const [index, operator] of operators.entries()) {
      const input = { sessionId, clientMessageId: `m-${index}`, content: `by ${index}` }
      const ack = await operator.emitRaw('message:send', input)
      expect(ack.ok ? 'sent' : ack.error.code).toBe(index === first ? 'sent' : 'FORBIDDEN')
    }
    expect(await story(chat)).toEqual(['admin takeover_started', `admin complete: by ${first}`])
  })

  it('clicked twice is one takeover', async () => {
    const chat = await openChat()
    const [first, second] = [await join(OLGA, chat), await join(OLGA, chat)]
    const input = { sessionId: chat.session.id }
    await Promise.all([first, second].map((tab) => tab.emit('takeover:start', input)))
    await first.emit('takeover:start', input)
    expect(await story(chat)).toEqual(['admin takeover_started'])
    await first.emit('takeover:end', input)
    const { session } = await second.emit('takeover:end', input)
    expect(session.assistedBy).toBeNull()
    expect(await story(chat)).toEqual(['admin takeover_started', 'admin takeover_ended'])
  })

  it('is taken from an operator who has left, or by an admin, and from nobody else', async () => {
    const chat = await openChat()
    const input: ClientPayload<'takeover:start'> = { sessionId: chat.session.id, from: 'olga' }
    const [olga, paul, boss] = [
      await join(OLGA, chat),
      await join(PAUL, chat),
      await join(BOSS, chat),
    ]
    expect(await paul.refusal('takeover:start', input)).toMatchObject({ code: 'CONFLICT' })
    await olga.emit('takeover:start', { sessionId: chat.session.id })
    const here = { code: 'CONFLICT', message: 'Olga is still here.' }
    expect(await paul.refusal('takeover:start', input)).toMatchObject(here)
    const { session } = await boss.emit('takeover:start', input)
    expect(session.assistedBy?.name).toBe('Boss')
    expect(await olga.refusal('takeover:end', { sessionId: chat.session.id })).toMatchObject({
      code: 'CONFLICT',
      message: 'Boss has this chat.',
    })
    boss.close()
    await boss.waitForClose()
    const from = { sessionId: chat.session.id, from: 'boss' }
    await expect(paul.emit('takeover:start', from)).resolves.toMatchObject({
      session: { assistedBy: { id: 'paul' } },
    })
  })

  it('is not for an ended chat, a user, or the operator’s own chat', async () => {
    const chat = await openChat()
    const input = { sessionId: chat.session.id }
    expect(await chat.ann.refusal('takeover:start', input)).toMatchObject({ code: 'FORBIDDEN' })
    const olga = await h.connect(OLGA)
    const own = (await olga.open()).session
    expect(await olga.refusal('takeover:start', { sessionId: own.id })).toMatchObject({
      code: 'CONFLICT',
    })
    await chat.ann.emit('session:end', input)
    for (const event of ['takeover:start', 'takeover:end']) {
      expect(await olga.refusal(event, input)).toMatchObject({ code: 'SESSION_ENDED' })
      expect(await olga.refusal(event, { sessionId: 'none' })).toMatchObject({ code: 'NOT_FOUND' })
    }
    expect(await story(chat)).toEqual(['user session_ended'])
  })
})
