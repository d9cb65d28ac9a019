import { describe, expect, it, jest } from '@jest/globals'
import type { ClientPayload, Message, Session } from '@chatbox/contract'
import { toReplyEntry } from '@chatbox/core'
import { createMetrics } from '@chatbox/kit'
import type { ChatUser } from '../support/chat-user.ts'
import { signToken } from '../environment/tokens.ts'
import { API } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway()

const OLGA = { userId: 'olga', name: 'Olga', roles: ['chat_admin'] }
const PAUL = { userId: 'paul', name: 'Paul', roles: ['chat_admin'] }
const BOSS = { userId: 'boss', name: 'Boss', roles: ['admin'] }

interface Chat {
  ann: ChatUser
  session: Session
}

async function openChat(): Promise<Chat> {
  const ann = await h.connect({ name: 'Ann' })
  return { ann, session: (await ann.open()).session }
}

async function join(options: typeof OLGA, { session }: Chat): Promise<ChatUser> {
  const operator = await h.connect(options)
  await operator.open({ sessionId: session.id })
  return operator
}

const toLine = ({ sender, event, content, status }: Message): string =>
  event ? `${sender.type} ${event.type}` : `${sender.type} ${status}: ${content}`

async function story({ ann, session }: Chat, show = toLine): Promise<string[]> {
  return (await ann.open({ sessionId: session.id })).messages.map(show)
}

/** Lets a worker write the first words of the reply to the waiting question. */
async function beginReply({ session }: Chat, text: string) {
  const { replies, bus } = h.backend.ports
  const open = await replies.findOpen(session.id)
  const claim = open && (await replies.claim(open, 15_000))
  if (!claim) throw new Error('no question waits')
  const { replyId } = claim
  const frame = { sessionId: session.id, replyId, attempt: claim.epoch }
  await bus.publishDelta({ ...frame, index: 0, text }, () => text)
  return {
    claim,
    goOn: (index: number, more: string) =>
      bus.publishDelta({ ...frame, index, text: more }, () => text + more),
  }
}

describe('help', () => {
  it('is asked for before the first question, in one step, and all viewers know', async () => {
    const chat = await openChat()
    const olga = await join(OLGA, chat)
    const sessionId = chat.session.id
    const { session } = await chat.ann.emit('help:request', { sessionId, note: 'A refund' })
    expect(session.help).toMatchObject({ note: 'A refund' })
    const seen = await olga.waitFor('session:updated', (told) => told.session.help !== null)
    expect(seen.session.help).toEqual(session.help)
    expect(await story(chat)).toEqual(['user help_requested'])
  })

  it('asked twice, from two tabs at once, is the first request', async () => {
    const chat = await openChat()
    const second = await h.connect({ userId: chat.ann.userId })
    const ask = (user: ChatUser, note: string) =>
      user.emit('help:request', { sessionId: chat.session.id, note })
    const asked = await Promise.all([ask(chat.ann, 'one'), ask(second, 'two')])
    expect(asked[0].session.help).toEqual(asked[1].session.help)
    expect((await ask(second, 'three')).session.help).toEqual(asked[0].session.help)
    expect(await story(chat)).toEqual(['user help_requested'])
  })

  it('is taken back once, and may be asked for again', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    await chat.ann.emit('help:request', { sessionId })
    for (let times = 0; times < 2; times++) {
      const { session } = await chat.ann.emit('help:cancel', { sessionId })
      expect(session.help).toBeNull()
    }
    await chat.ann.emit('help:request', { sessionId })
    expect(await story(chat)).toEqual([
      'user help_requested',
      'user help_resolved',
      'user help_requested',
    ])
  })

  it('is not for an ended chat, and not asked for where a person is', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    const olga = await join(OLGA, chat)
    await olga.emit('takeover:start', { sessionId })
    expect((await chat.ann.emit('help:request', { sessionId })).session.help).toBeNull()
    await chat.ann.emit('session:end', { sessionId })
    for (const event of ['help:request', 'help:cancel']) {
      expect(await chat.ann.refusal(event, { sessionId })).toMatchObject({ code: 'SESSION_ENDED' })
    }
    expect(await story(chat)).toEqual(['admin takeover_started', 'user session_ended'])
  })
})

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

  it('shows its user an operator’s name and never the id, which operators see', async () => {
    const [secret, next] = ['olga@support.example', 'paul@support.example']
    const ann = await h.connect({ name: 'Ann' })
    const { session } = await ann.open()
    const chat = { ann, session }
    const sessionId = session.id
    const olga = await join({ ...OLGA, userId: secret }, chat)
    const boss = await join({ ...BOSS, userId: next }, chat)
    const answers: unknown[] = []
    await olga.emit('takeover:start', { sessionId })
    await olga.emit('typing', { sessionId, typing: true })
    const message = await olga.send(session, 'Hello')
    await olga.emit('message:read', { sessionId, seq: message.seq })
    answers.push(await ann.emit('help:request', { sessionId }), await ann.open({ sessionId }))
    answers.push(await ann.emit('session:history', { sessionId, beforeSeq: 3 }))
    await boss.emit('takeover:start', { sessionId, from: secret })
    await boss.emit('typing', { sessionId, typing: true })
    const token = await signToken({ sub: ann.userId })
    for (const route of [
      'sessions',
      `sessions/${sessionId}`,
      `sessions/${sessionId}/messages`,
      `sessions/${sessionId}/transcript?format=json`,
      `sessions/${sessionId}/transcript?format=html`,
    ]) {
      const answered = await fetch(`${h.gateway.url}${API}/${route}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(answered.status).toBe(200)
      answers.push(await answered.text())
    }
    await boss.emit('takeover:end', { sessionId })
    await ann.waitFor('message:new', (told) => told.message.event?.type === 'takeover_ended')
    const seen = JSON.stringify([answers, ann.received])
    expect(seen).not.toContain('support.example')
    for (const said of ['"typing"', 'message:receipt', 'takeover_started', 'Olga', 'Boss']) {
      expect(seen).toContain(said)
    }
    const heard = JSON.stringify([olga.received, await olga.open({ sessionId })])
    for (const id of [secret, next]) expect(heard).toContain(id)
    // One operator is one to the user, and another one is another.
    const ids = (await story({ ...chat, session }, ({ sender }) => sender.id)).slice(0, 3)
    expect([ids[0] === ids[1], ids[0] === ids[2]]).toEqual([true, false])
  })

  it('is counted once for each entry, and so is help', async () => {
    const metrics = createMetrics()
    const own = await h.startOther({}, { metrics })
    const counted = async (name: string) => {
      const text = await metrics.registry.getSingleMetricAsString(name)
      return Object.fromEntries(
        [...text.matchAll(/\{change="([^"]+)"\} (\d+)/g)].map(([, change, n]) => [
          change,
          Number(n),
        ]),
      )
    }
    const ann = await h.connect({ url: own.url, name: 'Ann' })
    const { id: sessionId } = (await ann.open()).session
    const [olga, boss] = [
      await h.connect({ url: own.url, ...OLGA }),
      await h.connect({ url: own.url, ...BOSS }),
    ]
    for (const event of ['help:request', 'help:request', 'help:cancel', 'help:cancel'] as const) {
      await ann.emit(event, { sessionId })
    }
    for (let times = 0; times < 2; times++) await olga.emit('takeover:start', { sessionId })
    await boss.emit('takeover:start', { sessionId, from: 'olga' })
    await olga.refusal('takeover:end', { sessionId })
    for (let times = 0; times < 2; times++) await boss.emit('takeover:end', { sessionId })
    expect(await counted('chatbox_help_requests_total')).toEqual({ requested: 1, 'taken-back': 1 })
    expect(await counted('chatbox_takeovers_total')).toEqual({ started: 1, passed: 1, ended: 1 })
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
