import {
  Connection,
  createId,
  type GetToken,
  Observable,
  Outbox,
  type OutboxStorage,
  SessionViews,
  type SessionView,
  toFailure,
  toRequestError,
} from '@chatbox/client'
import type { ClientPayload, InboxView, ServerPayload, Session } from '@chatbox/contract'
import { type ConsoleState, NOTHING_SHOWN, type OpenChat } from './console-state.ts'
import { DeskNotes } from './desk-notes.ts'
import { InboxList, type OnRows } from './inbox-list.ts'

interface ConsoleOptions {
  /** The URL of the chat's folder, including the path prefix, without a trailing slash. */
  baseUrl: string
  getToken: GetToken
  storage: OutboxStorage
}

type DeskAction = ClientPayload<'desk:append'>['action']

const FIRST_PAGE = 50

/**
 * One operator's console: the inbox, one open chat and its operators' log. The methods never reject;
 * errors are in `state.error`.
 */
export class ConsoleClient extends Observable<ConsoleState> {
  readonly connection: Connection
  /** Called with rows of the inbox that have come, for those who tell of news. */
  onRows: OnRows = () => undefined
  readonly #inbox: InboxList
  readonly #notes: DeskNotes
  readonly #outbox: Outbox
  readonly #views: SessionViews
  #view: SessionView | undefined
  #typed = ''
  /** Counts openings, so that the result of an earlier one can be dropped. */
  #opening = 0

  constructor({ baseUrl, getToken, storage }: ConsoleOptions) {
    super(NOTHING_SHOWN)
    const connection = new Connection({ baseUrl, getToken })
    this.connection = connection
    this.#inbox = new InboxList(connection, (rows, why) => this.onRows(rows, why))
    this.#notes = new DeskNotes(connection)
    this.#outbox = new Outbox({
      storage,
      tabId: createId(),
      send: (payload) => connection.request('message:send', payload),
      onSent: (message) => this.#views.onSent(message),
    })
    this.#views = new SessionViews({
      connection,
      outbox: this.#outbox,
      random: Math.random,
      onError: (error) => this.#fail(error),
    })
    this.#inbox.subscribe(() => this.#patch({ inbox: this.#inbox.state }))
    this.#notes.subscribe(() => this.#onChat())
    this.#outbox.subscribe(() => this.#onChat())
    connection.subscribe(() => this.#onConnection())
    connection.on('ready', (ready) => void this.#onReady(ready))
  }

  connect(): void {
    this.connection.connect()
  }

  /** Lists a view; `text` is a part of a name or an id. */
  async list(view: InboxView, text = ''): Promise<void> {
    await this.#try(() => this.#inbox.show(view, text))
  }

  async listMore(): Promise<void> {
    await this.#try(() => this.#inbox.readMore())
  }

  /** Shows a chat and its operators' log. */
  async openChat(sessionId: string): Promise<void> {
    if (sessionId === this.#view?.id) return
    this.closeChat()
    const ticket = this.#opening
    this.#patch({ opening: sessionId })
    await this.#try(async () => {
      const [view, draft] = await Promise.all([
        this.#views.open({ limit: FIRST_PAGE, sessionId }),
        this.#notes.open(sessionId),
      ])
      if (ticket !== this.#opening) {
        view.close()
        return
      }
      this.#view = view
      this.#typed = draft
      view.subscribe(() => this.#onChat())
      this.#onChat()
      this.#patch({ error: null })
    })
    if (ticket === this.#opening) this.#patch({ opening: null })
  }

  closeChat(): void {
    this.#opening += 1
    this.#notes.flushDraft()
    this.#view?.close()
    this.#view = undefined
    this.#typed = ''
    this.#patch({ chat: null, opening: null })
  }

  /** Takes the chat over, from the operator who has it if `from` names one. */
  async takeOver(from?: string): Promise<void> {
    await this.#change('takeover:start', from === undefined ? {} : { from })
  }

  /** Hands the chat back to the assistant. */
  async handBack(): Promise<void> {
    await this.#change('takeover:end', {})
  }

  async endChat(): Promise<void> {
    await this.#change('session:end', {})
  }

  async write(action: DeskAction): Promise<boolean> {
    return await this.#try(() => this.#notes.append(action))
  }

  // What the composer and the conversation need.

  get typedText(): string {
    return this.#typed
  }

  readonly toMessageText = (text: string): string => text.trim()

  onInput(text: string): void {
    this.#typed = text
    const { id } = this.#view ?? {}
    if (id === undefined) return
    this.#view?.onInput()
    this.#notes.keepDraft(id, text)
  }

  send(content: string): boolean {
    const view = this.#view
    if (!view) return false
    try {
      view.send(content)
      this.#typed = ''
      this.#notes.keepDraft(view.id, '')
      this.#notes.flushDraft()
      this.#patch({ error: null })
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  resend(clientMessageId: string): void {
    this.#outbox.retry(clientMessageId, this.#view?.id)
  }

  discard(clientMessageId: string): void {
    this.#outbox.discard(clientMessageId)
  }

  async stop(): Promise<void> {
    await this.#try(async () => this.#view?.stop())
  }

  async retry(): Promise<void> {
    // Only the visitor asks for an answer again.
  }

  async loadOlder(): Promise<void> {
    await this.#try(async () => this.#view?.loadOlder())
  }

  /** Call this when the operator has seen the end of the log. */
  markRead(): void {
    const view = this.#view
    const { user } = this.state
    if (!view || !user) return
    const { session, lastSeq } = view.state.log
    if (session.assistedBy?.id === user.id) view.markRead(user.id)
    const payload = { sessionId: view.id, seq: lastSeq }
    this.connection.request('inbox:read', payload).catch(() => undefined)
  }

  dismissError(): void {
    this.#patch({ error: null })
  }

  /** Idempotent. */
  close(): void {
    this.closeChat()
    this.#outbox.close()
    this.connection.close()
  }

  async #change(
    event: 'takeover:start' | 'takeover:end' | 'session:end',
    more: { from?: string },
  ): Promise<void> {
    const view = this.#view
    if (!view) return
    await this.#try(async () => {
      const payload = { sessionId: view.id, ...more }
      const { session }: { session: Session } = await this.connection.request(event, payload)
      view.apply({ type: 'session', session })
      this.#patch({ error: null })
    })
  }

  #onConnection(): void {
    const connection = this.connection.state
    if (connection.status !== 'online' && connection.status !== 'draining') {
      this.#outbox.pause()
      this.#views.onOffline()
    }
    this.#patch({ connection })
  }

  async #onReady({ user, models, limits }: ServerPayload<'ready'>): Promise<void> {
    this.#patch({ user, models, contentLength: limits.contentLength })
    await this.#outbox.setUser(user.id)
    this.#outbox.resume(null)
    await this.#try(async () => {
      const { sessionId } = this.#notes.state
      await Promise.all([
        this.#inbox.follow(),
        this.#views.catchUp(),
        this.#view && this.#notes.open(sessionId),
      ])
    })
  }

  #onChat(): void {
    if (!this.#view) return
    const { desk, entries: notes, knownTags } = this.#notes.state
    const chat: OpenChat = { ...this.#view.state, desk, notes, knownTags }
    this.#patch({ chat })
  }

  async #try(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action()
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  #fail(thrown: unknown): void {
    this.#patch({ error: toFailure(toRequestError(thrown)) })
  }

  #patch(part: Partial<ConsoleState>): void {
    this.setState({ ...this.state, ...part })
  }
}
