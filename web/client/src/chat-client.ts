import type { ServerPayload } from '@chatbox/contract'
import { type ChatState, isVisitor, NOTHING_SHOWN } from './chat-state.ts'
import { Connection } from './connection/connection.ts'
import { toFailure, toRequestError } from './connection/request.ts'
import { type GetToken, readSubject } from './connection/token.ts'
import { MySessions } from './my-sessions.ts'
import { Observable } from './observable.ts'
import { eraseTexts } from './outbox/erase-texts.ts'
import { toMessageText } from './outbox/message-text.ts'
import { createId, Outbox } from './outbox/outbox.ts'
import type { OutboxStorage } from './outbox/outbox-storage.ts'
import { TypedText } from './outbox/typed-text.ts'
import type { SessionView } from './session/session-view.ts'
import { SessionViews } from './session/session-views.ts'
import { Timer } from './timer.ts'

export interface ChatClientOptions {
  /** The URL of the page's folder, including the path prefix, without a trailing slash. */
  baseUrl: string
  getToken: GetToken
  storage: OutboxStorage
  /** Survives a reload. Without it, what was written in this tab is found like another tab's. */
  tabId?: string
  /** The tab has just got its id. Defaults to true without an id. */
  isNewTab?: boolean
  /** Undefined if this browser has no visitor that could be forgotten. */
  forgetting?: Forgetting
  random?: () => number
}

interface Forgetting {
  /** Makes the server forget who the visitor of this browser is. */
  ask(): Promise<void>
  /** Tells the other tabs that this one has begun anew. */
  tell(): void
}

const FIRST_PAGE = 50
/** Stands for the visitor who follows a forgotten one. No server makes this id. */
const NOBODY = 'visitor:'

/**
 * One user's chat: a view of one session, an outbox and the list of sessions. When another user
 * signs in, everything starts again. A page subscribes, reads `state` and calls the methods. The
 * methods never reject; errors are in `state.error`.
 */
export class ChatClient extends Observable<ChatState> {
  /** Returns what `send` sends of a typed text; empty if nothing of it can be seen. */
  readonly toMessageText = toMessageText
  readonly #server: { baseUrl: string; getToken: GetToken }
  readonly #options: Pick<ChatClientOptions, 'storage' | 'forgetting'>
  readonly #connection: Connection
  readonly #outbox: Outbox
  readonly #typed: TypedText
  readonly #views: SessionViews
  readonly #retry: Timer
  #sessions: MySessions
  #view: SessionView | undefined
  /** The user of this chat. The token tells it before the server does. */
  #userId = ''
  /** The subject of the latest token, if it is readable. */
  #subject: string | undefined
  /** Counts openings, so that the result of an earlier one can be dropped. */
  #opening = 0

  constructor(options: ChatClientOptions) {
    super(NOTHING_SHOWN)
    const { baseUrl, storage, tabId = createId(), random = Math.random } = options
    this.#options = options
    this.#server = {
      baseUrl,
      getToken: async (wish) => this.#onToken(await options.getToken(wish)),
    }
    const connection = new Connection({ ...this.#server, random })
    this.#connection = connection
    this.#outbox = new Outbox({
      ...{ storage, tabId, random },
      send: (payload) => connection.request('message:send', payload),
      onSent: (message) => this.#views.onSent(message),
    })
    const { isNewTab = options.tabId === undefined } = options
    this.#typed = new TypedText({ storage, tabId, isNewTab })
    this.#views = new SessionViews({
      connection,
      outbox: this.#outbox,
      random,
      onError: (error) => this.#fail(error),
    })
    this.#retry = new Timer(random)
    this.#sessions = this.#createSessions()
    this.#outbox.subscribe(() => this.#patch({ unsent: this.#outbox.items }))
    this.#typed.subscribe(() => this.#patch({ typedRevision: this.#typed.state }))
    connection.subscribe(() => this.#onConnection())
    connection.on('ready', (ready) => void this.#onReady(ready))
    connection.on('session:updated', ({ session }) => this.#sessions.update(session))
  }

  /** Connects, or retries at once, for example when the network is back or the user asks for it. */
  connect(): void {
    this.#connection.connect()
  }

  /** Shows a session; without an id the active one, or a new one after a long time. */
  async openSession(sessionId?: string): Promise<void> {
    await this.#open(async () => sessionId)
  }

  /** Ends the active session and shows a new one. Keeps an active session without messages. */
  async newSession(): Promise<void> {
    const shown = this.#view?.state.log
    if (shown?.session.status === 'active' && shown.lastSeq === 0) return
    await this.#open(async () => {
      const { session } = await this.#connection.request('session:create', {})
      return session.id
    })
  }

  /** Ends the shown session, which stays readable. */
  async endSession(): Promise<void> {
    await this.#try(() => this.#view?.end())
  }

  /**
   * Gives the tab another id. Call this if another page has got the former one, because a tab was
   * duplicated. Each of them then keeps its own text in the message box.
   */
  moveToTab(tabId: string): void {
    this.#typed.moveTo(tabId)
  }

  /** Asks for a person, also before the first question. */
  async requestHelp(): Promise<void> {
    await this.#try(() => this.#view?.requestHelp())
  }

  async cancelHelp(): Promise<void> {
    await this.#try(() => this.#view?.cancelHelp())
  }

  /** The text in the message box, which survives a reload and the end of a session. */
  get typedText(): string {
    return this.#typed.text
  }

  /**
   * Sends a message now or as soon as possible. Returns true if it was accepted; then the typed text
   * is empty.
   */
  send(content: string): boolean {
    try {
      if (this.#view) this.#view.send(content)
      else this.#outbox.add(null, content)
      this.#typed.onSent()
      this.#patch({ error: null })
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  /** Sends a refused message again in the shown session. */
  resend(clientMessageId: string): void {
    this.#outbox.retry(clientMessageId, this.#view?.id)
  }

  discard(clientMessageId: string): void {
    this.#outbox.discard(clientMessageId)
  }

  /** Stops the current reply, even if no worker has begun it. */
  async stop(): Promise<void> {
    await this.#try(() => this.#view?.stop())
  }

  /** Requests a new reply in place of a failed, incomplete or stopped one. */
  async retry(messageId: string): Promise<void> {
    await this.#try(() => this.#view?.retry(messageId))
  }

  async selectModel(modelId: string): Promise<void> {
    await this.#try(() => this.#view?.selectModel(modelId))
  }

  async loadOlder(): Promise<void> {
    await this.#try(() => this.#view?.loadOlder())
  }

  /** Reloads the list of the user's sessions, or reads its next part. */
  async listSessions(more = false): Promise<void> {
    await this.#sessions.read(more)
  }

  /** Returns the shown session as a file, undefined if that failed. */
  async readTranscript(): Promise<Blob | undefined> {
    const { formerUsers } = this.state
    let file: Blob | undefined
    await this.#try(async () => {
      if (this.#view) file = await this.#sessions.readTranscript(this.#view.id)
    })
    // A file of a former user is not given to the next one.
    return formerUsers === this.state.formerUsers ? file : undefined
  }

  /** Makes this browser forget its visitor, in all tabs, and begins anew with another one. */
  async forgetVisitor(): Promise<void> {
    const { forgetting } = this.#options
    await this.#try(async () => {
      await forgetting?.ask()
      forgetting?.tell()
      await this.#beginAnew()
    })
  }

  /** Call this when another tab has made the browser forget its visitor. */
  async onForgotten(): Promise<void> {
    await this.#try(async () => {
      // A token that is under way may be the forgotten visitor's.
      if (this.#userId === '') await this.#server.getToken({ renew: false })
      if (isVisitor({ id: this.#userId })) await this.#beginAnew()
    })
  }

  /**
   * Shows nothing of the visitor any more, erases what is kept of them, and asks for another one. If
   * none can be had now, the connection goes on asking.
   */
  async #beginAnew(): Promise<void> {
    const former = this.#userId
    this.#subject = NOBODY
    this.#become(NOBODY)
    this.#connection.restart()
    await eraseTexts(this.#options.storage, former)
    await this.#server.getToken({ renew: true })
    // It was under way when the visitor was forgotten.
    if (this.#userId === former) await this.#server.getToken({ renew: true })
  }

  /** Call this with the whole text when the user types. */
  onInput(text: string): void {
    this.#typed.onInput(text)
    this.#view?.onInput()
  }

  /** Call this when the user has seen the end of the log. The authors of the entries are told. */
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

  /** Switches to another user. Returns false if this is the current user. */
  #become(userId: string): boolean {
    const former = this.#userId
    if (userId === former) return false
    this.#userId = userId
    void this.#outbox.setUser(userId)
    this.#typed.setUser(userId)
    if (former === '') return true
    this.#leave()
    this.#view = undefined
    this.#sessions = this.#createSessions()
    this.setState({
      ...NOTHING_SHOWN,
      connection: this.#connection.state,
      formerUsers: this.state.formerUsers + 1,
      typedRevision: this.#typed.state,
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
      // A token of another user has arrived in the meantime.
      this.#connection.restart()
      return
    }
    this.#become(user.id)
    this.#patch({ user, models, contentLength: limits.contentLength })
    // The chat begins without the storage, and the outbox waits for it for a moment.
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

  /** Retries until a session is open, because there is nothing to show without one. */
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

  /** Handles changes of the shown view only, because a view may still change when it is left. */
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
      // Errors of a former user are not shown to the next one.
      if (formerUsers === this.state.formerUsers) this.#fail(error)
    }
  }

  #fail(thrown: unknown): void {
    this.#patch({ error: toFailure(toRequestError(thrown)) })
  }

  #patch(part: Partial<ChatState>): void {
    this.setState({ ...this.state, ...part })
  }
}
