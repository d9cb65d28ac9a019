import type { ClientData, ServerPayload } from '@chatbox/contract'
import { type ChatState, createChatState } from './chat-state.ts'
import { Connection, type GetToken } from './connection.ts'
import { createHttpApi } from './http-api.ts'
import { MySessions } from './my-sessions.ts'
import { createObservable } from './observable.ts'
import { Outbox } from './outbox.ts'
import type { OutboxStorage } from './outbox-storage.ts'
import { createReadSignal, type ReadSignal } from './read-signal.ts'
import { toRequestError } from './request-error.ts'
import type { LogEvent } from './session-log.ts'
import { SessionSync } from './session-sync.ts'
import { TypingOthers } from './typing-others.ts'
import { createTypingSignal, type TypingSignal } from './typing-signal.ts'

export interface ChatClientOptions {
  /** The page's folder on the server with its path prefix and no trailing slash. */
  baseUrl: string
  getToken: GetToken
  storage: OutboxStorage
  random?: () => number
}

const HISTORY_PAGE = 50
const FIRST_PAGE = 50
const OPEN_RETRY_MS = 3000

/**
 * One user's chat: the session that is shown, what is on its way, and everything around it. A view
 * subscribes, reads `state` and calls the methods; none of them rejects: what went wrong is in
 * `state.error`.
 */
export class ChatClient {
  readonly #state = createObservable<ChatState>(createChatState())
  readonly #connection: Connection
  readonly #outbox: Outbox
  readonly #sessions: MySessions
  readonly #others = new TypingOthers()
  readonly #typing: TypingSignal
  readonly #reading: ReadSignal
  #sync: SessionSync | undefined
  /** Counts openings: an answer to an earlier one is dropped. */
  #opening = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: ChatClientOptions) {
    const { storage, random = Math.random } = options
    this.#connection = new Connection({ ...options, random })
    this.#sessions = new MySessions(createHttpApi(options.baseUrl, options.getToken))
    this.#outbox = new Outbox({
      storage,
      random,
      send: (payload) => this.#connection.request('message:send', payload),
      onSent: (message) => this.#apply(message.sessionId, { type: 'message', message }),
    })
    this.#typing = createTypingSignal((typing) => {
      if (this.#sync) this.#connection.sendTyping({ sessionId: this.#sync.log.session.id, typing })
    })
    this.#reading = createReadSignal(async (seq) => {
      const sessionId = this.#sync?.log.session.id
      if (sessionId) await this.#connection.request('message:read', { sessionId, seq })
    })
    this.#outbox.subscribe(() => this.#patch({ unsent: this.#outbox.items }))
    this.#others.subscribe(() => this.#patch({ typists: this.#others.typists }))
    this.#sessions.subscribe(() => this.#patch({ sessions: this.#sessions.shown }))
    this.#connection.subscribe(() => this.#onConnection())
    this.#listen()
  }

  get state(): ChatState {
    return this.#state.get()
  }

  subscribe(listener: () => void): () => void {
    return this.#state.subscribe(listener)
  }

  /** Connects, or tries again at once: the network is back, the user asks for it. */
  connect(): void {
    this.#connection.connect()
  }

  /** Shows a session: without an id the active one, or a new one where the last is long ago. */
  async openSession(sessionId?: string): Promise<void> {
    const ticket = this.#begin()
    await this.#try(async () => {
      const page = await this.#connection.request('session:open', {
        limit: FIRST_PAGE,
        ...(sessionId ? { sessionId } : {}),
      })
      if (ticket === this.#opening) this.#show(page)
    })
    this.#finish(ticket)
    if (!this.#sync) this.#openLater(sessionId)
  }

  /** Ends the active session and shows a new one. An active one without messages is shown instead. */
  async newSession(): Promise<void> {
    const shown = this.#sync?.log
    if (shown?.session.status === 'active' && shown.lastSeq === 0) return
    const ticket = this.#begin()
    await this.#try(async () => {
      const { session } = await this.#connection.request('session:create', {})
      if (ticket === this.#opening) await this.openSession(session.id)
    })
    this.#finish(ticket)
  }

  /** Ends the session that is shown, which can still be read. */
  async endSession(): Promise<void> {
    const sessionId = this.#sync?.log.session.id
    if (!sessionId) return
    await this.#try(async () => {
      const { session } = await this.#connection.request('session:end', { sessionId })
      this.#apply(sessionId, { type: 'session', session })
    })
  }

  /** Sends a message, now or when that is possible again. True where it was taken. */
  send(content: string): boolean {
    this.#typing.stop()
    try {
      this.#outbox.add(this.#sync?.log.session.id ?? null, content)
      this.#patch({ error: null })
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  /** Sends a refused message again, in the session that is shown. */
  resend(clientMessageId: string): void {
    this.#outbox.retry(clientMessageId, this.#sync?.log.session.id)
  }

  discard(clientMessageId: string): void {
    this.#outbox.discard(clientMessageId)
  }

  /** Stops the reply that is being written, also one that no worker has begun yet. */
  async stop(): Promise<void> {
    const sync = this.#sync
    if (!sync) return
    await this.#try(async () => {
      // A reply that was not heard of has an id already, and the server knows it.
      if (sync.log.drafts.length === 0) await sync.catchUp()
      const replyId = sync.log.drafts[0]?.replyId
      if (!replyId) return
      await this.#connection.request('reply:stop', { sessionId: sync.log.session.id, replyId })
    })
  }

  /** Asks for another reply in place of a failed, incomplete or stopped one. */
  async retry(messageId: string): Promise<void> {
    const log = this.#sync?.log
    const failed = log?.messages.find(({ id }) => id === messageId)
    if (!log || !failed) return
    const sessionId = log.session.id
    await this.#try(async () => {
      const { replyId } = await this.#connection.request('reply:retry', { sessionId, messageId })
      const { modelId } = log.session
      const reply = {
        replyId,
        replyTo: failed.replyTo ?? '',
        modelId,
        attempt: 0,
        index: 0,
        text: '',
      }
      this.#apply(sessionId, { type: 'expected', reply })
    })
  }

  async selectModel(modelId: string): Promise<void> {
    const sessionId = this.#sync?.log.session.id
    if (!sessionId) return
    await this.#try(async () => {
      const { session } = await this.#connection.request('model:select', { sessionId, modelId })
      this.#apply(sessionId, { type: 'session', session })
    })
  }

  async loadOlder(): Promise<void> {
    const log = this.#sync?.log
    const beforeSeq = log?.messages[0]?.seq
    if (!log?.hasOlder || !beforeSeq || this.state.loadingOlder) return
    const payload = { sessionId: log.session.id, beforeSeq, limit: HISTORY_PAGE }
    this.#patch({ loadingOlder: true })
    await this.#try(async () => {
      const page = await this.#connection.request('session:history', payload)
      this.#apply(payload.sessionId, { type: 'older', page })
    })
    this.#patch({ loadingOlder: false })
  }

  /** Reads the list of the user's sessions anew, or the part after the one that is known. */
  async listSessions(more = false): Promise<void> {
    await this.#sessions.read(more)
  }

  /** The user typed something. */
  onInput(): void {
    this.#typing.onInput()
  }

  /** The user has seen everything up to the end of the log; of what others wrote, they are told. */
  markRead(): void {
    const userId = this.state.user?.id
    const news = this.#sync?.log.messages.findLast(({ sender }) => sender.id !== userId)
    if (news) this.#reading.onRead(news.seq)
  }

  dismissError(): void {
    this.#patch({ error: null })
  }

  /** Idempotent. */
  close(): void {
    this.#opening += 1
    clearTimeout(this.#retryTimer)
    this.#reading.reset()
    this.#typing.stop()
    this.#others.clear()
    this.#sync?.close()
    this.#outbox.close()
    this.#connection.close()
  }

  #listen(): void {
    const connection = this.#connection
    connection.on('ready', (ready) => void this.#onReady(ready))
    connection.on('message:new', ({ message }) => {
      this.#others.remove(message.sender.id)
      this.#apply(message.sessionId, { type: 'message', message })
    })
    connection.on('reply:start', (start) => this.#apply(start.sessionId, { type: 'start', start }))
    connection.on('reply:delta', (delta) => this.#apply(delta.sessionId, { type: 'delta', delta }))
    connection.on('session:head', ({ sessionId, lastSeq }) =>
      this.#apply(sessionId, { type: 'head', lastSeq }),
    )
    connection.on('session:updated', ({ session }) => {
      this.#apply(session.id, { type: 'session', session })
      this.#sessions.update(session)
    })
    connection.on('typing', (typing) => {
      if (typing.sessionId === this.#sync?.log.session.id) this.#others.apply(typing)
    })
    connection.on('message:receipt', ({ sessionId, reader, seq }) => {
      if (sessionId !== this.#sync?.log.session.id) return
      const { readUpTo } = this.state
      const reached = Math.max(readUpTo[reader.id] ?? 0, seq)
      this.#patch({ readUpTo: { ...readUpTo, [reader.id]: reached } })
    })
  }

  #onConnection(): void {
    const { state } = this.#connection
    this.#patch({ connection: state })
    if (state.status !== 'online' && state.status !== 'draining') this.#outbox.pause()
  }

  async #onReady({ user, models, limits }: ServerPayload<'ready'>): Promise<void> {
    this.#patch({ user, models, contentLength: limits.contentLength })
    await this.#outbox.load(user.id)
    if (this.#sync) await this.#sync.catchUp()
    else await this.openSession()
    this.#reading.repeat()
    this.#resumeOutbox()
  }

  #show(page: ClientData<'session:open'>): void {
    this.#sync?.close()
    this.#others.clear()
    this.#reading.reset()
    const sessionId = page.session.id
    const isShown = (): boolean => this.#sync?.log.session.id === sessionId
    this.#sync = new SessionSync(page, {
      open: (payload) => this.#connection.request('session:open', payload),
      onChange: (log) => {
        if (isShown()) this.#patch({ log })
      },
      onError: (error) => this.#fail(error),
    })
    this.#patch({ log: this.#sync.log, readUpTo: {}, error: null })
    this.#resumeOutbox()
  }

  #resumeOutbox(): void {
    const session = this.#sync?.log.session
    if (!session || this.#connection.state.status !== 'online') return
    this.#outbox.resume(session.status === 'active' ? session.id : null)
  }

  #apply(sessionId: string, event: LogEvent): void {
    if (this.#sync?.log.session.id === sessionId) this.#sync.apply(event)
  }

  /** Without any session there is nothing to show: asked again until there is. */
  #openLater(sessionId?: string): void {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => {
      const isOnline = this.#connection.state.status === 'online'
      if (isOnline && !this.#sync) void this.openSession(sessionId)
    }, OPEN_RETRY_MS)
  }

  #begin(): number {
    this.#opening += 1
    this.#patch({ opening: true })
    return this.#opening
  }

  #finish(ticket: number): void {
    if (ticket === this.#opening) this.#patch({ opening: false })
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(thrown: unknown): void {
    const { code, message } = toRequestError(thrown)
    this.#patch({ error: { code, message } })
  }

  #patch(part: Partial<ChatState>): void {
    this.#state.set({ ...this.state, ...part })
  }
}

/** A chat that connects at once and shows the user's active session. */
export function openChat(options: ChatClientOptions): ChatClient {
  const client = new ChatClient(options)
  client.connect()
  return client
}
