import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { CLIENT_EVENTS, type Message, type Session } from '@chatbox/contract'
import type { Gateway } from '@chatbox/gateway'
import { openChatUser, type ChatUser, type ChatUserOptions } from '../support/chat-user.ts'
import { openTestBackend, startTestGateway, type TestBackend } from '../support/test-gateway.ts'

let backend: TestBackend
let gateways: (Gateway & { url: string })[]
let now = 0
const users: ChatUser[] = []

beforeAll(async () => {
  backend = await openTestBackend()
  // Time moves where a test says so; everything else of the clock is real.
  const clock = { ...backend.ports.clock, now: () => new Date(Date.now() + now) }
  const ports = { ...backend.ports, clock }
  gateways = [await startTestGateway(ports), await startTestGateway(ports)]
})

afterEach(() => {
  now = 0
  for (const user of users.splice(0)) user.close()
})

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  await backend.close()
})

async function connect(options: Partial<ChatUserOptions> = {}, gateway = 0): Promise<ChatUser> {
  const user = await openChatUser({ url: gateways[gateway]?.url ?? '', ...options })
  users.push(user)
  return user
}

function failReply(session: Session, question: Message, replyId: string): Promise<unknown> {
  const { store, clock } = backend.ports
  return store.append({
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
  const { store } = backend.ports
  const open = await store.findOpenReply(session.id)
  if (!open) throw new Error('no question waits')
  const claim = await store.claimReply(open, 15_000)
  if (!claim) throw new Error('the question is taken')
  const finishedAt = new Date().toISOString()
  const outcome = { status, content: 'half', modelId: open.modelId, finishedAt }
  expect(await store.commitReply(claim, outcome)).toBe('committed')
  const question = await store.findMessage(session.id, open.messageId)
  if (!question) throw new Error('the question is gone')
  await failReply(session, question, claim.replyId)
  await store.settleReply(open, claim.epoch, 'done')
  const reply = await store.findMessage(session.id, claim.replyId)
  if (!reply) throw new Error('the reply is not in the log')
  return reply
}

describe('session:open', () => {
  it('starts a session, and gives the same one back until it has been idle too long', async () => {
    const user = await connect()
    const first = await user.open()
    expect(CLIENT_EVENTS['session:open'].data.parse(first)).toEqual(first)
    expect(first).toMatchObject({ messages: [], hasMore: false, reply: null })
    expect((await user.open()).session.id).toBe(first.session.id)
    now = 15 * 60_000 + 1000
    const second = await user.open()
    expect(second.session.id).not.toBe(first.session.id)
    const old = await user.open({ sessionId: first.session.id })
    expect(old.session.status).toBe('ended')
    expect(old.messages.at(-1)?.event).toEqual({ type: 'session_ended', reason: 'idle' })
  })

  it('makes one session of 50 opens at once over two gateways, new or idle', async () => {
    const pair = await Promise.all([0, 1].map((index) => connect({ userId: 'fifty' }, index)))
    for (const shiftMs of [0, 16 * 60_000]) {
      now = shiftMs
      const opened = await Promise.all(
        Array.from({ length: 25 }, () => pair.map((user) => user.open())).flat(),
      )
      expect(opened).toHaveLength(50)
      expect(new Set(opened.map(({ session }) => session.id)).size).toBe(1)
      const page = await backend.ports.store.listSessions('fifty', { limit: 10 })
      expect(page.sessions.filter(({ status }) => status === 'active')).toHaveLength(1)
    }
    expect((await backend.ports.store.listSessions('fifty', { limit: 10 })).sessions).toHaveLength(
      2,
    )
  })

  it('answers pages: the latest, those after and those before, and cuts long ones', async () => {
    const user = await connect()
    const { session } = await user.open()
    for (let index = 1; index <= 5; index++) await user.send(session, `message ${index}`)
    const seqs = ({ messages }: { messages: Message[] }) => messages.map(({ seq }) => seq)

    const latest = await user.open({ limit: 2 })
    expect([seqs(latest), latest.hasMore]).toEqual([[4, 5], true])
    const after = await user.open({ sessionId: session.id, afterSeq: 1, limit: 3 })
    expect([seqs(after), after.hasMore]).toEqual([[2, 3, 4], true])
    const rest = await user.open({ sessionId: session.id, afterSeq: 4 })
    expect([seqs(rest), rest.hasMore]).toEqual([[5], false])
    const future = await user.open({ sessionId: session.id, afterSeq: 900 })
    expect([seqs(future), future.hasMore, future.session.lastSeq]).toEqual([[], false, 5])
    const before = await user.emit('session:history', {
      sessionId: session.id,
      beforeSeq: 4,
      limit: 2,
    })
    expect([seqs(before), before.hasMore]).toEqual([[2, 3], true])

    for (let index = 0; index < 30; index++) await user.send(session, 'x'.repeat(10_000))
    const long = await user.open({ limit: 200 })
    expect(long.hasMore).toBe(true)
    expect(long.messages.at(-1)?.seq).toBe(35)
    const onward = await user.open({ sessionId: session.id, afterSeq: 0, limit: 200 })
    expect([onward.messages[0]?.seq, onward.hasMore]).toEqual([1, true])
  })

  it('answers the reply that is being written, as far as it has come', async () => {
    const { store, bus } = backend.ports
    const user = await connect()
    const { session } = await user.open()
    const question = await user.send(session, 'what?')
    const waiting = (await user.open()).reply
    expect(waiting).toMatchObject({ replyTo: question.id, attempt: 0, index: 0, text: '' })

    const open = await store.findOpenReply(session.id)
    const claim = open && (await store.claimReply(open, 15_000))
    if (!claim) throw new Error('the question is taken')
    expect((await user.open()).reply).toMatchObject({ attempt: claim.epoch, index: 0, text: '' })
    const delta = { sessionId: session.id, replyId: claim.replyId, attempt: claim.epoch }
    await bus.publishDelta({ ...delta, index: 0, text: 'Hel' }, () => 'Hel')
    await bus.publishDelta({ ...delta, index: 1, text: 'lo' }, () => 'Hello')
    expect((await user.open()).reply).toEqual({
      replyId: claim.replyId,
      replyTo: question.id,
      modelId: 'demo',
      attempt: claim.epoch,
      index: 2,
      text: 'Hello',
    })
  })
})

describe('live events', () => {
  it('brings what workers publish to those who have the session open, on every gateway', async () => {
    const { bus } = backend.ports
    const here = await connect({ userId: 'two-places' }, 0)
    const there = await connect({ userId: 'two-places' }, 1)
    const stranger = await connect()
    const { session } = await here.open()
    await there.open({ sessionId: session.id })
    await stranger.open()
    const start = {
      sessionId: session.id,
      replyId: 'r1',
      replyTo: 'q1',
      modelId: 'demo',
      attempt: 1,
    }
    await bus.publish(session.id, { event: 'reply:start', payload: start })
    const delta = { sessionId: session.id, replyId: 'r1', attempt: 1, index: 0, text: 'x' }
    await bus.publishDelta(delta, () => 'x')
    await bus.publish(session.id, { event: 'session:updated', payload: { session } })
    for (const user of [here, there]) {
      expect(await user.waitFor('reply:start')).toEqual(start)
      expect(await user.waitFor('reply:delta')).toEqual(delta)
      await user.waitFor('session:updated')
    }
    expect(stranger.received.map(({ event }) => event)).toEqual(['ready'])
  })

  it('tells the other tabs of new entries, of typing and of what was read', async () => {
    const one = await connect({ userId: 'tabs', name: 'Tab' })
    const two = await connect({ userId: 'tabs' })
    const operator = await connect({ userId: 'op', roles: ['chat_admin'], name: 'Op' })
    const { session } = await one.open()
    await operator.open({ sessionId: session.id })
    const message = await one.send(session, 'hello')
    expect((await operator.waitFor('message:new')).message).toEqual(message)
    // The second tab has not opened the session, but lists it.
    expect((await two.waitFor('session:updated')).session.name).toBe('hello')
    await two.open()
    one.socket.emit('typing', { sessionId: session.id, typing: true })
    const typing = {
      sessionId: session.id,
      from: { type: 'user', id: 'tabs', name: 'Tab' },
      typing: true,
    }
    expect(await operator.waitFor('typing')).toEqual(typing)
    await operator.emit('message:read', { sessionId: session.id, seq: 1 })
    const receipt = { sessionId: session.id, reader: { type: 'admin', id: 'op' }, seq: 1 }
    expect(await one.waitFor('message:receipt')).toEqual(receipt)
    expect(one.received.some(({ event }) => event === 'typing')).toBe(false)
    expect(two.received.some(({ event }) => event === 'message:new')).toBe(false)
  })

  it('tells how long the log is, soon after the bus had a gap', async () => {
    const gaps: (() => void)[] = []
    const bus = { ...backend.ports.bus, onGap: (listener: () => void) => void gaps.push(listener) }
    const gateway = await startTestGateway({ ...backend.ports, bus })
    const user = await connect({ url: gateway.url })
    const { session } = await user.open()
    await user.send(session, 'one')
    gaps.forEach((tell) => tell())
    expect(await user.waitFor('session:head')).toEqual({ sessionId: session.id, lastSeq: 1 })
    await gateway.stop()
  })
})

describe('message:send', () => {
  it('answers the first message to each repetition, from whichever gateway', async () => {
    const pair = await Promise.all([0, 1].map((index) => connect({ userId: 'again' }, index)))
    const [one] = pair
    if (!one) throw new Error('nobody is connected')
    const { session } = await one.open()
    const sent = await Promise.all(
      Array.from({ length: 25 }, (_, index) =>
        pair.map((user) => user.send(session, `body ${index}`, 'the-one')),
      ).flat(),
    )
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1)
    expect(await one.send(session, 'quite another body', 'the-one')).toEqual(sent[0])
    const { messages } = await one.open()
    expect(messages).toEqual([sent[0]])
    expect((await backend.ports.queue.counts()).waiting).toBeGreaterThan(0)
  })

  it('is acknowledged while the queue and the bus are away, and without a job', async () => {
    const away = () => Promise.reject(new Error('connection refused'))
    const { bus, queue } = backend.ports
    const gateway = await startTestGateway({
      ...backend.ports,
      bus: {
        ...bus,
        subscribe: away,
        readDraft: () => Promise.resolve(undefined),
        onGap: () => undefined,
      },
      queue: {
        enqueue: away,
        consume: away,
        counts: () => queue.counts(),
        ping: away,
        close: away,
      },
    })
    const user = await connect({ url: gateway.url })
    const { session } = await user.open()
    expect((await user.send(session, 'still there?')).seq).toBe(1)
    expect((await user.open()).messages).toHaveLength(1)
    await gateway.stop()
  })

  it('refuses an ended session, files that do not exist and a store that is away', async () => {
    const user = await connect()
    const { session } = await user.open()
    const message = { sessionId: session.id, clientMessageId: 'c1', content: 'hi' }
    const refused = await user.refusal('message:send', { ...message, attachments: ['f1'] })
    expect(refused.code).toBe('INVALID_FILE')
    await user.emit('session:end', { sessionId: session.id })
    const ended = await user.refusal('message:send', { ...message, clientMessageId: 'c2' })
    expect(ended).toMatchObject({ code: 'SESSION_ENDED', retryable: false })
    expect((await user.open({ sessionId: session.id })).messages.map(({ kind }) => kind)).toEqual([
      'event',
    ])
  })
})

describe('session:end and session:create', () => {
  it('ends once, cancels the open reply and says who ended it', async () => {
    const stops: string[] = []
    await backend.ports.bus.onStop((replyId) => stops.push(replyId))
    const user = await connect()
    const { session } = await user.open()
    await user.send(session, 'a question')
    const open = await backend.ports.store.findOpenReply(session.id)
    const operator = await connect({ userId: 'op', roles: ['admin'] })
    const ended = await operator.emit('session:end', { sessionId: session.id })
    expect(ended.session.status).toBe('ended')
    const again = await user.emit('session:end', { sessionId: session.id })
    expect(again.session).toEqual(ended.session)
    const { message } = await user.waitFor('message:new', (event) => event.message.kind === 'event')
    expect(message.event).toEqual({ type: 'session_ended', reason: 'operator' })
    expect(await backend.ports.store.findOpenReply(session.id)).toBeUndefined()
    expect(stops).toContain(open?.replyId)
  })

  it('puts a new session in the place of the active one', async () => {
    const user = await connect()
    const first = await user.open()
    const second = await user.emit('session:create', { modelId: 'other' })
    expect(second.session).toMatchObject({ status: 'active', modelId: 'other' })
    const old = await user.open({ sessionId: first.session.id })
    expect(old.messages.at(-1)?.event).toEqual({ type: 'session_ended', reason: 'replaced' })
    expect((await user.open()).session.id).toBe(second.session.id)
    expect((await user.refusal('session:create', { modelId: 'nope' })).code).toBe('INVALID_MODEL')
    expect((await user.open()).session.id).toBe(second.session.id)
  })

  it('chooses a model, and refuses one that there is not', async () => {
    const user = await connect()
    const { session } = await user.open()
    const chosen = await user.emit('model:select', { sessionId: session.id, modelId: 'other' })
    expect(chosen.session).toMatchObject({ modelId: 'other', lastSeq: 1 })
    const same = await user.emit('model:select', { sessionId: session.id, modelId: 'other' })
    expect(same.session.lastSeq).toBe(1)
    const payload = { sessionId: session.id, modelId: 'nope' }
    expect((await user.refusal('model:select', payload)).code).toBe('INVALID_MODEL')
    expect((await user.open()).session).toMatchObject({ modelId: 'other', lastSeq: 1 })
  })
})

describe('reply:stop and reply:retry', () => {
  it('stores the wish to stop and passes it on', async () => {
    const stops: string[] = []
    await backend.ports.bus.onStop((replyId) => stops.push(replyId))
    const user = await connect()
    const { session } = await user.open()
    await user.send(session, 'a question')
    const replyId = (await user.open()).reply?.replyId ?? ''
    expect(await user.emit('reply:stop', { sessionId: session.id, replyId })).toEqual({
      stopped: true,
    })
    expect((await backend.ports.store.findOpenReply(session.id))?.stopRequested).toBe(true)
    expect(stops).toContain(replyId)
    const payload = { sessionId: session.id, replyId: 'unknown' }
    expect((await user.refusal('reply:stop', payload)).code).toBe('NOT_FOUND')
  })

  it('asks again where a reply failed, once however often it is asked to', async () => {
    const user = await connect()
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
  it('cannot be told from what does not exist, by any event', async () => {
    const owner = await connect()
    const { session } = await owner.open()
    await owner.send(session, 'secret')
    const replyId = (await owner.open()).reply?.replyId ?? ''
    const before = await owner.open()
    const thief = await connect()
    const own = (await thief.open()).session.id
    const unknown = {
      sessionId: 'unknown',
      clientMessageId: 'c',
      content: 'x',
      replyId,
      messageId: replyId,
    }
    const foreign = { ...unknown, sessionId: session.id }
    const crossed = { ...unknown, sessionId: own }
    const ask = async (
      event: string,
      ids: typeof unknown,
      keys: (keyof typeof unknown)[],
      more = {},
    ) =>
      await thief.refusal(event, {
        ...Object.fromEntries(keys.map((key) => [key, ids[key]])),
        ...more,
      })

    for (const [event, keys, more] of [
      ['session:open', ['sessionId']],
      ['session:end', ['sessionId']],
      ['session:history', ['sessionId'], { beforeSeq: 9 }],
      ['message:send', ['sessionId', 'clientMessageId', 'content']],
      ['message:read', ['sessionId'], { seq: 0 }],
      ['reply:stop', ['sessionId', 'replyId']],
      ['reply:retry', ['sessionId', 'messageId']],
      ['typing', ['sessionId'], { typing: true }],
      ['model:select', ['sessionId'], { modelId: 'other' }],
    ] as [string, (keyof typeof unknown)[], object?][]) {
      const answers = [await ask(event, unknown, keys, more), await ask(event, foreign, keys, more)]
      if (keys.length > 1 && event !== 'message:send')
        answers.push(await ask(event, crossed, keys, more))
      for (const { requestId, ...error } of answers) {
        expect({ event, ...error }).toEqual({
          event,
          code: 'NOT_FOUND',
          message: 'There is no such session, message or reply.',
          retryable: false,
        })
        expect(requestId).toMatch(/^[\w-]{22}$/)
      }
    }
    expect(await owner.open()).toEqual(before)
    expect(owner.received.some(({ event }) => event === 'typing')).toBe(false)
  })

  it('may be seen and ended by an operator, but not written in', async () => {
    const owner = await connect()
    const { session } = await owner.open()
    const operator = await connect({ roles: ['chat_admin'] })
    expect((await operator.open({ sessionId: session.id })).session.id).toBe(session.id)
    const message = { sessionId: session.id, clientMessageId: 'c', content: 'x' }
    expect((await operator.refusal('message:send', message)).code).toBe('FORBIDDEN')
  })
})
