import { afterEach, describe, expect, it } from '@jest/globals'
import { CLIENT_EVENTS, type Message } from '@chatbox/contract'
import { toOwnedId } from '@chatbox/kit'
import type { ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'

let shiftMs = 0
// Time moves where a test says so; everything else of the clock is real.
const h = useGateway({}, (ports) => ({
  ...ports,
  clock: { ...ports.clock, now: () => new Date(Date.now() + shiftMs) },
}))

afterEach(() => {
  shiftMs = 0
})

/** One user on two gateways. */
async function connectTwice(userId: string): Promise<[ChatUser, ChatUser]> {
  const other = await h.startOther()
  return [await h.connect({ userId }), await h.connect({ userId, url: other.url })]
}

describe('session:open', () => {
  it('starts a session, and gives the same one back until it has been idle too long', async () => {
    const user = await h.connect()
    const first = await user.open()
    expect(CLIENT_EVENTS['session:open'].data.parse(first)).toEqual(first)
    expect(first).toMatchObject({ messages: [], hasMore: false, reply: null })
    expect((await user.open()).session.id).toBe(first.session.id)
    shiftMs = 15 * 60_000 + 1000
    const second = await user.open()
    expect(second.session.id).not.toBe(first.session.id)
    const old = await user.open({ sessionId: first.session.id })
    expect(old.session.status).toBe('ended')
    expect(old.messages.at(-1)?.event).toEqual({ type: 'session_ended', reason: 'idle' })
  })

  it('makes one session of 50 opens at once over two gateways, new or idle', async () => {
    const pair = await connectTwice('fifty')
    for (const idleMs of [0, 16 * 60_000]) {
      shiftMs = idleMs
      const opened = await Promise.all(
        Array.from({ length: 25 }, () => pair.map((user) => user.open())).flat(),
      )
      expect(opened).toHaveLength(50)
      expect(new Set(opened.map(({ session }) => session.id)).size).toBe(1)
      const page = await h.backend.ports.sessions.list('fifty', { limit: 10 })
      expect(page.sessions.filter(({ status }) => status === 'active')).toHaveLength(1)
    }
    expect((await h.backend.ports.sessions.list('fifty', { limit: 10 })).sessions).toHaveLength(2)
  })

  it('answers pages: the latest, those after and those before, and cuts long ones', async () => {
    const user = await h.connect()
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
    const { replies, bus } = h.backend.ports
    const user = await h.connect()
    const { session } = await user.open()
    const question = await user.send(session, 'what?')
    const waiting = (await user.open()).reply
    expect(waiting).toMatchObject({ replyTo: question.id, attempt: 0, index: 0, text: '' })

    const open = await replies.findOpen(session.id)
    const claim = open && (await replies.claim(open, 15_000))
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

describe('session:open of a session by its id', () => {
  it('is refused for one of somebody else, before anything of it is heard', async () => {
    const owner = await h.connect()
    const { session } = await owner.open()
    const other = await h.connect({ userId: 'other' })
    const asking = other.refusal('session:open', { sessionId: session.id })
    await owner.send(session, 'not for you')
    expect((await asking).code).toBe('NOT_FOUND')
    await owner.send(session, 'nor this')
    expect(other.received.map(({ event }) => event)).not.toContain('message:new')
  })

  it('is refused for an id that was made up, also to look like one of their own', async () => {
    const user = await h.connect({ userId: 'maker' })
    for (const sessionId of ['nothing', toOwnedId('nothing', h.backend.ports.pseudonym('maker'))]) {
      expect((await user.refusal('session:open', { sessionId })).code).toBe('NOT_FOUND')
      expect((await user.refusal('typing', { sessionId, typing: true })).code).toBe('NOT_FOUND')
    }
  })
})

describe('message:send', () => {
  it('answers the first message to each repetition, from whichever gateway', async () => {
    const pair = await connectTwice('again')
    const [one] = pair
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
    expect(one.received.filter(({ event }) => event === 'message:new')).toHaveLength(1)
    expect((await h.backend.ports.queue.counts()).waiting).toBeGreaterThan(0)
  })

  it('is acknowledged while the queue and the bus are away, and without a job', async () => {
    const away = () => Promise.reject(new Error('connection refused'))
    const { bus, queue } = h.backend.ports
    const gateway = await h.startOther(
      {},
      {
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
          oldestWaitingMs: away,
          isPaused: away,
          expectedWaitMs: () => 0,
          ping: away,
          close: away,
        },
      },
    )
    const user = await h.connect({ url: gateway.url })
    const { session } = await user.open()
    expect((await user.send(session, 'still there?')).seq).toBe(1)
    expect((await user.open()).messages).toHaveLength(1)
  })

  it('answers a repetition after an end as before it, and none in another session', async () => {
    const user = await h.connect()
    const { session } = await user.open()
    const sent = await user.send(session, 'hi', 'the-one')
    await user.emit('session:end', { sessionId: session.id })
    expect(await user.send(session, 'hi', 'the-one')).toEqual(sent)
    const next = await user.open()
    const other = await user.send(next.session, 'hi', 'the-one')
    expect(other).toMatchObject({ sessionId: next.session.id, seq: 1 })
    expect(other.id).not.toBe(sent.id)
  })

  it('refuses an ended session, files that do not exist and a store that is away', async () => {
    const user = await h.connect()
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
    await h.backend.ports.bus.onStop((replyId) => stops.push(replyId))
    const user = await h.connect()
    const { session } = await user.open()
    await user.send(session, 'a question')
    const open = await h.backend.ports.replies.findOpen(session.id)
    const operator = await h.connect({ userId: 'op', roles: ['admin'] })
    const ended = await operator.emit('session:end', { sessionId: session.id })
    expect(ended.session.status).toBe('ended')
    const again = await user.emit('session:end', { sessionId: session.id })
    expect(again.session).toEqual(ended.session)
    const { message } = await user.waitFor('message:new', (event) => event.message.kind === 'event')
    expect(message.event).toEqual({ type: 'session_ended', reason: 'operator' })
    expect(await h.backend.ports.replies.findOpen(session.id)).toBeUndefined()
    expect(stops).toContain(open?.replyId)
  })

  it('puts a new session in the place of the active one', async () => {
    const user = await h.connect()
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
    const user = await h.connect()
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
