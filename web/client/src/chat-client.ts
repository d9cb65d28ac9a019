import type { ServerPayload } from '@chatbox/contract'
import { type ChatState, NOTHING_SHOWN } from './chat-state.ts'
import { Connection } from './connection/connection.ts'
import { toRequestError } from './connection/request.ts'
import { type GetToken, readSubject } from './connection/token.ts'
import { MySessions } from './my-sessions.ts'
import { Observable } from './observable.ts'
import { Outbox } from './outbox/outbox.ts'
import type { OutboxStorage } from './outbox/outbox-storage.ts'
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
export class ChatClient extends Observable<ChatState> {
  readonly #server: { baseUrl: string; getToken: GetToken }
  readonly #connection: Connection
  readonly #outbox: Outbox
  readonly #views: SessionViews
  readonly #retry: Timer
  #sessions: MySessions
  #view: SessionView | undefined
  /** Whose chat this is. A token says so before the server does, so that nothing waits for that. */
  #userId = ''
  /** Of the latest token, where it can be read. */
  #subject: string | undefined
  /** Counts openings: an answer to an earlier one is dropped. */
  #opening = 0

  constructor(options: ChatClientOptions) {
    super(NOTHING_SHOWN)
    const { baseUrl, random = Math.random } = options
    this.#server = {
      baseUrl,
      getToken: async (wish) => this.#onToken(await options.getToken(wish)),
    }
    const connection = new Connection({ ...this.#server, random })
    this.#connection = connection
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
    this.#outbox.subscribe(() => this.#patch({ unsent: this.#outbox.items }))
    connection.subscribe(() => this.#onConnection())
    connection.on('ready', (ready) => void this.#onReady(ready))
    connection.on('session:updated', ({ session }) => this.#sessions.update(session))
  }

  /** Connects, or tries again at once: the network is back, the user asks for it. */
  connect(): void {
    this.#connection.connect()
  }

  /** Shows a session: without an id the active one, or a new one where the last is long ago. */
  async openSession(sessionId?: string): Promise<void> {
    await this.#open(async () => sessionId)
  }

  /** Ends the active session and shows a new one. An active one without messages is shown instead. */
  async newSession(): Promise<void> {
    const shown = this.#view?.state.log
    if (shown?.session.status === 'active' && shown.lastSeq === 0) return
    await this.#open(async () => {
      const { session } = await this.#connection.request('session:create', {})
      return session.id
    })
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

  #onToken(token: string): string {
    this.#subject = readSubject(token)
    if (this.#subject !== undefined && this.#become(this.#subject)) this.#connection.restart()
    return token
  }

  /** From here on this is the chat of that user. False where it was before. */
  #become(userId: string): boolean {
    const former = this.#userId
    if (userId === former) return false
    this.#userId = userId
    void this.#outbox.setUser(userId)
    if (former === '') return true
    this.#leave()
    this.#view = undefined
    this.#sessions = this.#createSessions()
    this.setState({
      ...NOTHING_SHOWN,
      connection: this.#connection.state,
      formerUsers: this.state.formerUsers + 1,
      unsent: this.#outbox.items,
    })
    return true
  }

  #leave(): void {
    this.#opening += 1
    this.#retry.stop()
    this.#views.close()
  }

  #createSessions(): MySessions {
    const sessions = new MySessions(this.#server)
    sessions.subscribe(() => this.#patch({ sessions: this.#sessions.state }))
    return sessions
  }

  #onConnection(): void {
    const connection = this.#connection.state
    if (connection.status !== 'online' && connection.status !== 'draining') {
      this.#outbox.pause()
      this.#views.onOffline()
    }
    this.#patch({ connection })
  }

  async #onReady({ user, models, limits }: ServerPayload<'ready'>): Promise<void> {
    if (this.#subject !== undefined && this.#subject !== user.id) {
      // Another user's token came meanwhile.
      this.#connection.restart()
      return
    }
    this.#become(user.id)
    this.#patch({ user, models, contentLength: limits.contentLength })
    await this.#outbox.setUser(user.id)
    if (user.id !== this.#userId) return
    if (this.#view) await this.#views.catchUp()
    else await this.openSession()
    this.#resumeOutbox()
  }

  async #open(find: () => Promise<string | undefined>): Promise<void> {
    this.#opening += 1
    const ticket = this.#opening
    let sessionId: string | undefined
    this.#patch({ opening: true })
    await this.#try(async () => {
      sessionId = await find()
      if (ticket !== this.#opening) return
      const id = sessionId ? { sessionId } : {}
      const view = await this.#views.open({ limit: FIRST_PAGE, ...id })
      if (ticket === this.#opening) this.#show(view)
      else if (view !== this.#view) view.close()
    })
    if (ticket !== this.#opening) return
    this.#patch({ opening: false })
    if (!this.#view) this.#openLater(sessionId)
  }

  /** Without any session there is nothing to show: asked again until there is. */
  #openLater(sessionId: string | undefined): void {
    this.#retry.retry(() => {
      const isOnline = this.#connection.state.status === 'online'
      if (isOnline && !this.#view) void this.openSession(sessionId)
    })
  }

  #show(view: SessionView): void {
    if (view !== this.#view) {
      this.#view?.close()
      this.#view = view
      view.subscribe(() => this.#onView())
    }
    this.#onView()
    this.#patch({ error: null })
    this.#resumeOutbox()
  }

  /** Of the view that is shown: another one may change once more while it is left. */
  #onView(): void {
    if (!this.#view) return
    const { log, loadingOlder, typists, readUpTo } = this.#view.state
    this.setState({ ...this.state, log, loadingOlder, typists, readUpTo })
  }

  #resumeOutbox(): void {
    const session = this.#view?.state.log.session
    if (!session || this.#connection.state.status !== 'online') return
    this.#outbox.resume(session.status === 'active' ? session.id : null)
  }

  async #try(action: () => Promise<void> | undefined): Promise<void> {
    const { formerUsers } = this.state
    try {
      await action()
    } catch (error) {
      // What a former user did not get is not told to the next one.
      if (formerUsers === this.state.formerUsers) this.#fail(error)
    }
  }

  #fail(thrown: unknown): void {
    const { code, message } = toRequestError(thrown)
    this.#patch({ error: { code, message } })
  }

  #patch(part: Partial<ChatState>): void {
    this.setState({ ...this.state, ...part })
  }
}
