import type { ServerPayload } from '@chatbox/contract'
import { type ChatState, createOwnState, NO_VIEW, type OwnState } from './chat-state.ts'
import { Connection, type GetToken } from './connection/connection.ts'
import { CurrentUser } from './current-user.ts'
import { createHttpApi, type HttpApi } from './connection/http-api.ts'
import { MySessions } from './my-sessions.ts'
import { createListeners, type Listeners } from './observable.ts'
import { Outbox } from './outbox/outbox.ts'
import type { OutboxStorage } from './outbox/outbox-storage.ts'
import { toRequestError } from './connection/request-error.ts'
import type { SessionView } from './session/session-view.ts'
import { SessionViews } from './session/session-views.ts'
import { Timer } from './timer.ts'

export interface ChatClientOptions {
  /** The page's folder on the server with its path prefix and no trailing slash. */
  baseUrl: string
  getToken: GetToken
  storage: OutboxStorage
  /** The same over a reload, another one in each tab; without it nothing survives until a user is known. */
  tabId?: string
  random?: () => number
}

const FIRST_PAGE = 50

/**
 * One user's chat: a view of one session, an outbox and the list of sessions. When another user
 * signs in, all of it begins anew. A page subscribes, reads `state` and calls the methods; none of
 * them rejects: what went wrong is in `state.error`.
 */
export class ChatClient {
  readonly #listeners: Listeners = createListeners()
  readonly #user = new CurrentUser({
    onChange: (userId, former) => this.#onUser(userId, former),
    restart: () => this.#connection.restart(),
  })
  readonly #connection: Connection
  readonly #http: HttpApi
  readonly #outbox: Outbox
  readonly #views: SessionViews
  readonly #retry: Timer
  #sessions: MySessions
  #view: SessionView | undefined
  #own: OwnState = createOwnState(0)
  /** Made when it is read: many events may come between two looks. */
  #shown: ChatState | undefined
  /** Counts openings: an answer to an earlier one is dropped. */
  #opening = 0

  constructor(options: ChatClientOptions) {
    const { baseUrl, random = Math.random } = options
    const getToken = this.#user.watch(options.getToken)
    const connection = new Connection({ baseUrl, getToken, random })
    this.#connection = connection
    this.#http = createHttpApi(baseUrl, getToken)
    this.#outbox = new Outbox({
      ...options,
      random,
      send: (payload) => connection.request('message:send', payload),
      onSent: (message) => this.#views.onSent(message),
    })
    this.#views = new SessionViews({
      connection,
      outbox: this.#outbox,
      random,
      onError: (error) => this.#fail(error),
    })
    this.#retry = new Timer(random)
    this.#sessions = this.#createSessions()
    this.#outbox.subscribe(() => this.#changed())
    connection.subscribe(() => this.#onConnection())
    connection.on('ready', (ready) => void this.#onReady(ready))
    connection.on('session:updated', ({ session }) => this.#sessions.update(session))
  }

  get state(): ChatState {
    return (this.#shown ??= this.#compose())
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.subscribe(listener)
  }

  /** Connects, or tries again at once: the network is back, the user asks for it. */
  connect(): void {
    this.#connection.connect()
  }

  /** Shows a session: without an id the active one, or a new one where the last is long ago. */
  async openSession(sessionId?: string): Promise<void> {
    const ticket = this.#begin()
    await this.#try(async () => {
      const view = await this.#views.open({
        limit: FIRST_PAGE,
        ...(sessionId ? { sessionId } : {}),
      })
      if (ticket === this.#opening) this.#show(view)
      else if (view !== this.#view) view.close()
    })
    if (ticket !== this.#opening) return
    this.#patch({ opening: false })
    if (!this.#view) this.#openLater(sessionId)
  }

  /** Ends the active session and shows a new one. An active one without messages is shown instead. */
  async newSession(): Promise<void> {
    const shown = this.#view?.state.log
    if (shown?.session.status === 'active' && shown.lastSeq === 0) return
    const ticket = this.#begin()
    await this.#try(async () => {
      const { session } = await this.#connection.request('session:create', {})
      if (ticket === this.#opening) await this.openSession(session.id)
    })
    if (ticket === this.#opening) this.#patch({ opening: false })
  }

  /** Ends the session that is shown, which can still be read. */
  async endSession(): Promise<void> {
    await this.#try(() => this.#view?.end())
  }

  /** Sends a message, now or when that is possible again. True where it was taken. */
  send(content: string): boolean {
    try {
      if (this.#view) this.#view.send(content)
      else this.#outbox.add(null, content)
      this.#patch({ error: null })
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  /** Sends a refused message again, in the session that is shown. */
  resend(clientMessageId: string): void {
    this.#outbox.retry(clientMessageId, this.#view?.id)
  }

  discard(clientMessageId: string): void {
    this.#outbox.discard(clientMessageId)
  }

  /** Stops the reply that is being written, also one that no worker has begun yet. */
  async stop(): Promise<void> {
    await this.#try(() => this.#view?.stop())
  }

  /** Asks for another reply in place of a failed, incomplete or stopped one. */
  async retry(messageId: string): Promise<void> {
    await this.#try(() => this.#view?.retry(messageId))
  }

  async selectModel(modelId: string): Promise<void> {
    await this.#try(() => this.#view?.selectModel(modelId))
  }

  async loadOlder(): Promise<void> {
    await this.#try(() => this.#view?.loadOlder())
  }

  /** Reads the list of the user's sessions anew, or the part after the one that is known. */
  async listSessions(more = false): Promise<void> {
    await this.#sessions.read(more)
  }

  /** The user typed something. */
  onInput(): void {
    this.#view?.onInput()
  }

  /** The user has seen everything up to the end of the log; of what others wrote, they are told. */
  markRead(): void {
    this.#view?.markRead(this.state.user?.id)
  }

  dismissError(): void {
    this.#patch({ error: null })
  }

  /** Idempotent. */
  close(): void {
    this.#leave()
    this.#outbox.close()
    this.#connection.close()
  }

  #onUser(userId: string, former: string): void {
    void this.#outbox.setUser(userId)
    if (former === '') return
    this.#leave()
    this.#view = undefined
    this.#sessions = this.#createSessions()
    this.#own = createOwnState(this.#own.formerUsers + 1)
    this.#changed()
  }

  #leave(): void {
    this.#opening += 1
    this.#retry.stop()
    this.#views.close()
  }

  #createSessions(): MySessions {
    const sessions = new MySessions(this.#http)
    sessions.subscribe(() => this.#changed())
    return sessions
  }

  #onConnection(): void {
    const { status } = this.#connection.state
    if (status !== 'online' && status !== 'draining') {
      this.#outbox.pause()
      this.#views.onOffline()
    }
    this.#changed()
  }

  async #onReady({ user, models, limits }: ServerPayload<'ready'>): Promise<void> {
    if (!this.#user.onReady(user.id)) return
    this.#patch({ user, models, contentLength: limits.contentLength })
    await this.#outbox.setUser(user.id)
    if (user.id !== this.#user.id) return
    if (this.#view) await this.#views.catchUp()
    else await this.openSession()
    this.#resumeOutbox()
  }

  #show(view: SessionView): void {
    if (view !== this.#view) {
      this.#view?.close()
      this.#view = view
      view.subscribe(() => this.#changed())
    }
    this.#patch({ error: null })
    this.#resumeOutbox()
  }

  #resumeOutbox(): void {
    const session = this.#view?.state.log.session
    if (!session || this.#connection.state.status !== 'online') return
    this.#outbox.resume(session.status === 'active' ? session.id : null)
  }

  /** Without any session there is nothing to show: asked again until there is. */
  #openLater(sessionId?: string): void {
    this.#retry.retry(() => {
      const isOnline = this.#connection.state.status === 'online'
      if (isOnline && !this.#view) void this.openSession(sessionId)
    })
  }

  #begin(): number {
    this.#opening += 1
    this.#patch({ opening: true })
    return this.#opening
  }

  async #try(action: () => Promise<void> | undefined): Promise<void> {
    const { formerUsers } = this.#own
    try {
      await action()
    } catch (error) {
      // What a former user did not get is not told to the next one.
      if (formerUsers === this.#own.formerUsers) this.#fail(error)
    }
  }

  #fail(thrown: unknown): void {
    const { code, message } = toRequestError(thrown)
    this.#patch({ error: { code, message } })
  }

  #patch(part: Partial<OwnState>): void {
    this.#own = { ...this.#own, ...part }
    this.#changed()
  }

  /** Field by field: a spread of each part costs as much as the reducer does for a piece of a reply. */
  #compose(): ChatState {
    const { user, formerUsers, models, contentLength, opening, error } = this.#own
    const { log, loadingOlder, typists, readUpTo } = this.#view?.state ?? NO_VIEW
    return {
      connection: this.#connection.state,
      user,
      formerUsers,
      models,
      contentLength,
      log,
      opening,
      loadingOlder,
      error,
      unsent: this.#outbox.items,
      typists,
      readUpTo,
      sessions: this.#sessions.shown,
    }
  }

  #changed(): void {
    this.#shown = undefined
    this.#listeners.notify()
  }
}

/** A chat that connects at once and shows the user's active session. */
export function openChat(options: ChatClientOptions): ChatClient {
  const client = new ChatClient(options)
  client.connect()
  return client
}
