import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { ClientEvent, ClientPayload } from '@chatbox/contract'
import { Server, type Socket } from 'socket.io'
import { ChatClient, type ChatClientOptions } from './chat-client.ts'
import type { ChatState } from './chat-state.ts'
import {
  createMessage,
  createReply,
  createSession,
  FakeServer,
} from './session/fake-server.test.support.ts'
import { createMemoryStorage } from './outbox/outbox-storage.ts'

type Ack = (answer: unknown) => void
type Handlers = { [E in ClientEvent]?: (payload: ClientPayload<E>) => unknown }

const REFUSAL = { code: 'NOT_FOUND', message: 'No such session.', retryable: false }

describe('chat client', () => {
  let http: HttpServer
  let io: Server
  let log: FakeServer
  let options: ChatClientOptions
  let chat: ChatClient
  let requests: [event: string, payload: unknown][]
  let handlers: Handlers
  let sockets: Socket[]

  beforeEach(async () => {
    log = new FakeServer()
    requests = []
    sockets = []
    handlers = {
      'session:open': ({ afterSeq, limit }) => log.open(afterSeq ?? 0, limit ?? 50),
      'message:read': () => ({}),
      'reply:stop': () => ({ stopped: true }),
      'message:send': ({ clientMessageId, content }) => {
        log.act('ask')
        return { message: { ...log.messages.at(-1), clientMessageId, content } }
      },
    }
    http = createServer((request, response) => {
      const items = [{ ...createSession(), name: request.headers.authorization ?? '' }]
      response.end(
        JSON.stringify({ items, nextCursor: request.url?.includes('cursor') ? null : 'c' }),
      )
    })
    io = new Server(http, { path: '/p/socket.io', transports: ['websocket'] })
    io.on('connection', onConnection)
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    options = {
      baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/p`,
      getToken: async () => 'token',
      storage: createMemoryStorage(),
      random: () => 1,
    }
    chat = new ChatClient(options)
    chat.connect()
  })

  afterEach(async () => {
    chat.close()
    await io.close()
  })

  function onConnection(socket: Socket): void {
    sockets.push(socket)
    socket.onAny((event: string, payload: unknown, ack?: Ack) => {
      requests.push([event, payload])
      const handler = handlers[event as ClientEvent] as ((payload: unknown) => unknown) | undefined
      ack?.(handler ? { ok: true, data: handler(payload) } : { ok: false, error: REFUSAL })
    })
    socket.emit('ready', {
      protocol: 1,
      user: { id: 'u', name: '', roles: ['user'] },
      models: [{ id: 'm', name: 'Model' }],
      limits: { contentLength: 100, messageBytes: 1000, historyPage: 200, reconnectTimeoutMs: 1 },
      serverTime: '2026-01-01T00:00:00.000Z',
    })
  }

  async function until(holds: (state: ChatState) => boolean): Promise<ChatState> {
    if (!holds(chat.state)) {
      await new Promise<void>((resolve) => {
        const stop = chat.subscribe(() => {
          if (!holds(chat.state)) return
          stop()
          resolve()
        })
      })
    }
    return chat.state
  }

  const isOpen = ({ log: shown, opening }: ChatState): boolean => shown !== null && !opening

  it('opens the active session and shows what the server tells about it', async () => {
    log.act('ask')
    const state = await until(isOpen)
    expect(state.user?.id).toBe('u')
    expect(state.contentLength).toBe(100)
    expect(state.log?.messages).toEqual(log.messages)
  })

  it('sends, shows the answer as it grows and asks for what it missed', async () => {
    await until(isOpen)
    expect(chat.send('a question')).toBe(true)
    await until(({ log: shown, unsent }) => shown?.lastSeq === 1 && unsent.length === 0)
    log.act('start')
    log.act('write')
    log.act('write')
    const [, start, , second] = log.events
    if (start?.type !== 'start' || second?.type !== 'delta') throw new Error('unexpected events')
    sockets[0]?.emit('reply:start', start.start)
    sockets[0]?.emit('reply:delta', second.delta)
    const { log: shown } = await until((state) => state.log?.drafts[0]?.index === 2)
    expect(shown?.drafts[0]?.text).toBe('1.0 1.1 ')
    await chat.stop()
    expect(requests.at(-1)).toEqual(['reply:stop', { sessionId: 's', replyId: 'r1' }])
  })

  it.each<[string, () => Promise<never>]>([
    ['fails', () => Promise.reject(new Error('no storage'))],
    ['never answers', () => new Promise(() => undefined)],
  ])('begins at once and sends when the storage %s', async (_, call) => {
    const storage = { readAll: call, put: call, remove: call }
    chat.close()
    chat = new ChatClient({ ...options, storage })
    const startedAt = Date.now()
    chat.connect()
    chat.onInput('a question')
    await until(isOpen)
    expect(Date.now() - startedAt).toBeLessThan(1000)
    expect(chat.typedText).toBe('a question')
    expect(chat.send(chat.typedText)).toBe(true)
    await until(({ log: shown, unsent }) => shown?.lastSeq === 1 && unsent.length === 0)
    expect(chat.typedText).toBe('')
  })

  it('catches up after a gap in the connection', async () => {
    await until(isOpen)
    log.act('ask')
    log.act('ask')
    sockets[0]?.disconnect()
    const { log: shown } = await until((state) => state.log?.lastSeq === 2)
    expect(shown?.messages).toEqual(log.messages)
  })

  it('catches up when the head says that an entry was lost', async () => {
    await until(isOpen)
    log.act('ask')
    sockets[0]?.emit('session:head', { sessionId: 's', lastSeq: 1 })
    await until((state) => state.log?.lastSeq === 1)
  })

  it('stops an answer that it has not heard of yet', async () => {
    await until(isOpen)
    chat.send('a question')
    await until(({ log: shown }) => shown?.awaiting !== '' && shown?.lastSeq === 1)
    log.reply = { ...createReply(), replyTo: 'q1' }
    await chat.stop()
    expect(requests.at(-1)).toEqual(['reply:stop', { sessionId: 's', replyId: 'r' }])
  })

  it('retries a reply, and waits for the new one', async () => {
    const failed = {
      ...createMessage(1, { id: 'f', sender: 'ai', replyTo: 'q' }),
      status: 'failed',
    }
    handlers['session:open'] = () => ({
      session: { ...createSession(), lastSeq: 1 },
      messages: [failed],
      hasMore: false,
      reply: null,
    })
    handlers['reply:retry'] = () => ({ replyId: 'r2' })
    await until(isOpen)
    await chat.retry('f')
    expect(chat.state.log?.drafts).toMatchObject([{ replyId: 'r2', replyTo: 'q', attempt: 0 }])
  })

  it('says what went wrong, until that was read', async () => {
    await until(isOpen)
    await chat.selectModel('unknown')
    expect(chat.state.error).toEqual({ code: 'NOT_FOUND', message: 'No such session.' })
    chat.dismissError()
    expect(chat.state.error).toBeNull()
    await chat.openSession('gone')
    expect(chat.state.log?.session.id).toBe('s')
  })

  it('reads older entries, lists sessions page by page and starts a new one', async () => {
    handlers['session:open'] = () => ({
      session: { ...createSession(), lastSeq: 3 },
      messages: [createMessage(3)],
      hasMore: true,
      reply: null,
    })
    handlers['session:history'] = () => ({ messages: [createMessage(2)], hasMore: true })
    handlers['session:create'] = () => ({ session: createSession() })
    await until(isOpen)
    await chat.loadOlder()
    expect(chat.state.log?.messages.map(({ seq }) => seq)).toEqual([2, 3])
    await chat.listSessions()
    expect(chat.state.sessions).toMatchObject({ status: 'ready', nextCursor: 'c' })
    expect(chat.state.sessions.items[0]?.name).toBe('Bearer token')
    await chat.listSessions(true)
    expect(chat.state.sessions.items).toHaveLength(2)
    expect(chat.state.sessions.nextCursor).toBeNull()
    await chat.newSession()
    expect(requests.filter(([event]) => event === 'session:create')).toHaveLength(1)
  })

  it('tells that the user types and has read, not for every key', async () => {
    for (const action of ['ask', 'start', 'finish', 'ask']) log.act(action)
    await until(isOpen)
    chat.onInput('x')
    chat.onInput('x')
    chat.markRead()
    chat.markRead()
    await expectEventually(() => requests.some(([event]) => event === 'message:read'))
    chat.send('done')
    await until(({ log: shown }) => shown?.lastSeq === 4)
    const typing = requests.filter(([event]) => event === 'typing').map(([, payload]) => payload)
    expect(typing).toEqual([
      { sessionId: 's', typing: true },
      { sessionId: 's', typing: false },
    ])
    // What the user wrote needs no receipt.
    expect(requests.filter(([event]) => event === 'message:read')).toEqual([
      ['message:read', { sessionId: 's', seq: 2 }],
    ])
  })

  it('tells after a reconnect what was read while there was no connection', async () => {
    for (const action of ['ask', 'start', 'finish']) log.act(action)
    await until(isOpen)
    delete handlers['message:read']
    chat.markRead()
    const told = (): number => requests.filter(([event]) => event === 'message:read').length
    await expectEventually(() => told() === 1)
    handlers['message:read'] = () => ({})
    sockets[0]?.disconnect()
    await expectEventually(() => told() === 2)
  })

  it('ends the session that is shown', async () => {
    handlers['session:end'] = () => ({ session: { ...createSession(), status: 'ended' } })
    await until(isOpen)
    await chat.endSession()
    expect(requests.at(-1)).toEqual(['session:end', { sessionId: 's' }])
    expect(chat.state.log?.session.status).toBe('ended')
  })

  it('shows who else types and how far others have read', async () => {
    await until(isOpen)
    const from = { type: 'admin', id: 'o', name: 'Olga' }
    sockets[0]?.emit('typing', { sessionId: 's', from, typing: true })
    await until(({ typists }) => typists.length === 1)
    sockets[0]?.emit('message:receipt', {
      sessionId: 's',
      reader: { type: 'admin', id: 'o' },
      seq: 4,
    })
    await until(({ readUpTo }) => readUpTo.o === 4)
    sockets[0]?.emit('typing', { sessionId: 's', from, typing: false })
    await until(({ typists }) => typists.length === 0)
  })
})

async function expectEventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 4000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
