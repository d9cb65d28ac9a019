import { once } from 'node:events'
import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { ClientPayload } from '@chatbox/contract'
import { Server, type Socket } from 'socket.io'
import { ChatClient } from './chat-client.ts'
import type { ChatState } from './chat-state.ts'
import type { GetToken } from './connection/token.ts'
import { createMessage, createSession } from './session/fake-server.test.support.ts'
import { createMemoryStorage, type OutboxStorage } from './outbox/outbox-storage.ts'

type Ack = (answer: unknown) => void
interface Request {
  userId: string
  event: string
  payload: unknown
}

describe('users of a chat', () => {
  let http: HttpServer
  let io: Server
  let storage: OutboxStorage
  let chats: ChatClient[]
  let requests: Request[]
  let sockets: Socket[]
  let isAway: boolean
  /** While it is set, what comes in is not answered. */
  let isSilent: boolean
  let listings: ServerResponse[]

  beforeEach(async () => {
    storage = createMemoryStorage()
    chats = []
    requests = []
    sockets = []
    listings = []
    isAway = false
    isSilent = false
    http = createServer((_request, response) => listings.push(response))
    io = new Server(http, { path: '/p/socket.io', transports: ['websocket'] })
    io.use((_socket, next) => next(isAway ? new Error('away') : undefined))
    io.on('connection', serve)
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
  })

  afterEach(async () => {
    for (const chat of chats) chat.close()
    http.closeAllConnections()
    await io.close()
  })

  function serve(socket: Socket): void {
    const userId = subjectOf(socket)
    sockets.push(socket)
    socket.onAny((event: string, payload: unknown, ack?: Ack) => {
      requests.push({ userId, event, payload })
      if (!isSilent) ack?.({ ok: true, data: answer(userId, event, payload) })
    })
    socket.emit('ready', {
      protocol: 1,
      user: { id: userId, name: '', roles: ['user'] },
      models: [],
      limits: { contentLength: 100, messageBytes: 1000, historyPage: 200, reconnectTimeoutMs: 1 },
      serverTime: '2026-01-01T00:00:00.000Z',
    })
  }

  function answer(userId: string, event: string, payload: unknown): unknown {
    const session = { ...createSession(`s-${userId}`), userId, lastSeq: 1 }
    if (event === 'session:open') {
      const messages = [createMessage(1, { sessionId: session.id, sender: 'ai' })]
      return { session, messages, hasMore: false, reply: null }
    }
    if (event !== 'message:send') return {}
    const { sessionId, clientMessageId, content } = payload as ClientPayload<'message:send'>
    return { message: { ...createMessage(2, { sessionId }), clientMessageId, content } }
  }

  function open(getToken: GetToken, tabId = 'tab'): ChatClient {
    const { port } = http.address() as AddressInfo
    const baseUrl = `http://127.0.0.1:${port}/p`
    const chat = new ChatClient({ baseUrl, getToken, storage, tabId, random: () => 1 })
    chat.connect()
    chats.push(chat)
    return chat
  }

  const sent = (): unknown[] =>
    requests
      .filter(({ event }) => event === 'message:send')
      .map(({ userId, payload }) => {
        const { sessionId, content } = payload as ClientPayload<'message:send'>
        return { userId, sessionId, content }
      })
  const isOpen =
    (userId: string) =>
    ({ log, user }: ChatState): boolean =>
      log?.session.id === `s-${userId}` && user?.id === userId

  /** As another user signs in: the token is theirs from here on. */
  function openSwitching(first: string): { chat: ChatClient; become: (userId: string) => void } {
    let userId = first
    const chat = open(async () => toToken(userId))
    return { chat, become: (next) => void (userId = next) }
  }

  it('sends what was written before a user was known, also after a reload', async () => {
    isAway = true
    const before = open(async () => Promise.reject(new Error('no token')))
    expect(before.send('first words')).toBe(true)
    expect(before.state.unsent).toMatchObject([{ content: 'first words' }])
    before.close()
    isAway = false
    const after = open(async () => toToken('visitor:1'))
    await until(after, isOpen('visitor:1'))
    await until(after, ({ unsent }) => unsent.length === 0)
    expect(sent()).toEqual([
      { userId: 'visitor:1', sessionId: 's-visitor:1', content: 'first words' },
    ])
    expect(await storage.readAll()).toEqual([])
  })

  it('gives what was written first to the visitor whom the page becomes', async () => {
    let give: ((token: string) => void) | undefined
    const chat = open(() => new Promise((resolve) => (give = resolve)))
    chat.send('first words')
    expect(await storage.readAll()).toMatchObject([{ userId: null }])
    isSilent = true
    await eventually(() => give !== undefined)
    give?.(toToken('visitor:1'))
    await until(chat, ({ user }) => user?.id === 'visitor:1')
    expect(await storage.readAll()).toMatchObject([{ userId: 'visitor:1' }])
  })

  it('leaves what was written before a user was known to its own tab', async () => {
    const tab = open(() => new Promise(() => undefined), 'one')
    tab.send('in one tab')
    const other = open(async () => toToken('b'), 'two')
    await until(other, isOpen('b'))
    other.send('in another tab')
    await eventually(() => sent().length > 0)
    await until(other, ({ unsent }) => unsent.length === 0)
    expect(sent()).toEqual([{ userId: 'b', sessionId: 's-b', content: 'in another tab' }])
    expect(await storage.readAll()).toMatchObject([{ content: 'in one tab', userId: null }])
  })

  it('never sends under another user what was written under a token that was not let in yet', async () => {
    isAway = true
    const { chat, become } = openSwitching('a')
    await until(chat, ({ connection }) => connection.status === 'offline')
    chat.send('of a')
    expect(await storage.readAll()).toMatchObject([{ userId: 'a', content: 'of a' }])
    become('b')
    await until(chat, ({ formerUsers }) => formerUsers === 1)
    expect(chat.state.unsent).toEqual([])
    isAway = false
    await until(chat, isOpen('b'))
    expect(chat.state.unsent).toEqual([])
    expect(sent()).toEqual([])
    become('a')
    sockets.at(-1)?.disconnect()
    await until(chat, isOpen('a'))
    await until(chat, ({ unsent }) => unsent.length === 0)
    expect(sent()).toEqual([{ userId: 'a', sessionId: 's-a', content: 'of a' }])
  })

  it('shows and sends nothing of a former user, and all of it when that user is back', async () => {
    const { chat, become } = openSwitching('a')
    await until(chat, isOpen('a'))
    const list = chat.listSessions()
    await eventually(() => listings.length === 1)
    listings[0]?.end(JSON.stringify({ items: [createSession('s-a')], nextCursor: 'c' }))
    await list
    const from = { type: 'admin', id: 'o', name: 'Olga' }
    sockets[0]?.emit('typing', { sessionId: 's-a', from, typing: true })
    sockets[0]?.emit('message:receipt', { sessionId: 's-a', reader: from, seq: 1 })
    await until(chat, ({ typists, readUpTo }) => typists.length === 1 && readUpTo.o === 1)
    isSilent = true
    chat.onInput('x')
    chat.markRead()
    chat.send('of a')
    await eventually(() => sent().length === 1)
    isAway = true
    become('b')
    sockets[0]?.disconnect()
    await until(chat, ({ formerUsers }) => formerUsers === 1)
    expect(chat.state).toMatchObject({
      ...{ log: null, user: null, error: null, unsent: [], typists: [], readUpTo: {} },
      sessions: { status: 'unread', items: [] },
    })
    isAway = false
    isSilent = false
    await until(chat, isOpen('b'))
    expect(chat.state.unsent).toEqual([])
    chat.send('of b')
    await until(chat, ({ log }) => log?.lastSeq === 2)
    // A receipt of the former user would have gone out by now: it waits for a second.
    chat.markRead()
    await eventually(() => requests.some(({ event }) => event === 'message:read'))
    const ofB = requests.filter(({ userId }) => userId === 'b')
    expect(JSON.stringify(ofB)).not.toMatch(/s-a|of a/)
    become('a')
    sockets.at(-1)?.disconnect()
    await until(chat, isOpen('a'))
    await until(chat, ({ unsent }) => unsent.length === 0)
    expect(sent().slice(1)).toEqual([
      { userId: 'b', sessionId: 's-b', content: 'of b' },
      { userId: 'a', sessionId: 's-a', content: 'of a' },
    ])
  })

  it('leaves the connection of a former user when any token is of another one', async () => {
    const { chat, become } = openSwitching('a')
    await until(chat, isOpen('a'))
    become('b')
    sockets[0]?.emit('token:expiring', { expiresAt: '2030-01-01T00:00:00.000Z' })
    await until(chat, isOpen('b'))
    become('a')
    void chat.listSessions()
    await until(chat, isOpen('a'))
    const { formerUsers, error } = chat.state
    expect({ formerUsers, error }).toEqual({ formerUsers: 2, error: null })
  })

  it('shows no list of sessions that was asked for by a former user', async () => {
    const { chat, become } = openSwitching('a')
    await until(chat, isOpen('a'))
    const list = chat.listSessions()
    await eventually(() => listings.length === 1)
    become('b')
    sockets[0]?.disconnect()
    await until(chat, isOpen('b'))
    listings[0]?.end(JSON.stringify({ items: [createSession('s-a')], nextCursor: null }))
    await list
    expect(chat.state.sessions.items).toEqual([])
  })

  it('tells nothing of what a former user wanted and did not get', async () => {
    const { chat, become } = openSwitching('a')
    await until(chat, isOpen('a'))
    isSilent = true
    const before = requests.length
    void chat.openSession('s-a-old')
    void chat.selectModel('m')
    await eventually(() => requests.length === before + 2)
    become('b')
    isSilent = false
    const states: ChatState[] = []
    chat.subscribe(() => states.push(chat.state))
    sockets[0]?.emit('token:expiring', { expiresAt: '2030-01-01T00:00:00.000Z' })
    await until(chat, isOpen('b'))
    const ofB = states.filter(({ formerUsers }) => formerUsers === 1)
    expect(ofB.filter(({ error }) => error !== null)).toEqual([])
    expect(ofB.filter(({ log, opening }) => log === null && !opening)).toEqual([])
    const asked = requests.filter(({ userId }) => userId === 'b')
    expect(JSON.stringify(asked)).not.toContain('s-a')
  })

  it('shows no user whose connection is ready after the token of another one came', async () => {
    const waiting: (() => void)[] = []
    io.use((_socket, next) => void waiting.push(() => next()))
    const { chat, become } = openSwitching('a')
    const shown = new Set<string | undefined>()
    chat.subscribe(() => shown.add(chat.state.user?.id))
    await eventually(() => waiting.length === 1)
    become('b')
    void chat.listSessions()
    await until(chat, ({ formerUsers }) => formerUsers === 1)
    waiting[0]?.()
    await eventually(() => waiting.length === 2)
    waiting[1]?.()
    await until(chat, isOpen('b'))
    expect(shown).toEqual(new Set([undefined, 'b']))
    expect(chat.state.formerUsers).toBe(1)
  })
})

function toToken(sub: string): string {
  return `h.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.s`
}

function subjectOf({ handshake }: Socket): string {
  const { token } = handshake.auth as { token: string }
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(claims) as { sub: string }).sub
}

async function until(chat: ChatClient, holds: (state: ChatState) => boolean): Promise<ChatState> {
  await eventually(() => holds(chat.state))
  return chat.state
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 8000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
