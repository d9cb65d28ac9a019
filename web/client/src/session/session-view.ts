import type { ClientData, ServerPayload } from '@chatbox/contract'
import type { Connection } from '../connection/connection.ts'
import { toRequestError } from '../connection/request.ts'
import { Observable } from '../observable.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { UnsentMessage } from '../outbox/outbox-storage.ts'
import { Timer } from '../timer.ts'
import {
  applyEvent,
  createSessionLog,
  isBehind,
  isModelSilent,
  type LogEvent,
  type SessionLog,
} from './session-log.ts'
import { ReadSignal, type Typist, Typists, TypingSignal } from './signals.ts'

/** The shown state of one session. */
export interface SessionViewState {
  /** The entries and the replies that are being written. */
  log: SessionLog
  loadingOlder: boolean
  typists: readonly Typist[]
  /** The last seq that each other reader has read. */
  readUpTo: Readonly<Record<string, number>>
  /** Messages of this session that the server has not confirmed. */
  unsent: readonly UnsentMessage[]
}

export type ViewEvent =
  | LogEvent
  | { type: 'typing'; typing: ServerPayload<'typing'> }
  | { type: 'receipt'; receipt: ServerPayload<'message:receipt'> }

export interface SessionViewOptions {
  connection: Pick<Connection, 'on' | 'request' | 'sendTyping'>
  outbox: Pick<Outbox, 'add' | 'items' | 'subscribe'>
  /** Called when catching up has failed for good, for example because the session is gone. */
  onError(error: unknown): void
  /** Returns numbers in [0, 1). */
  random: () => number
  /** Runs a catch-up in its turn, because many sessions share one server. */
  inTurn(run: () => Promise<void>): Promise<void>
  onClose(): void
}

const HISTORY_PAGE = 50
const MAX_READERS = 50
/** Missing entries often arrive by themselves shortly afterwards. */
const CATCH_UP_DELAY_MS = 300
const CATCH_UP_PAGE = 200
/** A log that is further behind is replaced with the latest page. The rest is read on demand. */
const MAX_GAP = 1000
/** The maximum number of pages in one catch-up. The next event requests the rest. */
const MAX_ROUNDS = 10

/**
 * One open session: its state, kept in sync with the server, and the viewer's actions. Requests
 * reject with `RequestError`.
 */
export class SessionView extends Observable<SessionViewState> {
  readonly id: string
  readonly #options: SessionViewOptions
  readonly #timer: Timer
  readonly #typists: Typists
  readonly #typing: TypingSignal
  readonly #reading: ReadSignal
  #catchingUp: Promise<void> | undefined
  #closed = false

  constructor(page: ClientData<'session:open'>, options: SessionViewOptions) {
    const log = createSessionLog(page)
    super({ log, loadingOlder: false, typists: [], readUpTo: {}, unsent: [] })
    const { connection, random } = options
    const sessionId = page.session.id
    this.id = sessionId
    this.#options = options
    this.#timer = new Timer(random)
    this.#typists = new Typists((typists) => this.#patch({ typists }))
    this.#typing = new TypingSignal((typing) => connection.sendTyping({ sessionId, typing }))
    this.#reading = new ReadSignal((seq) => connection.request('message:read', { sessionId, seq }))
    this.onOutbox()
  }

  apply(event: ViewEvent): void {
    if (this.#closed) return
    if (event.type === 'typing') this.#typists.apply(event.typing)
    else if (event.type === 'receipt') this.#onReceipt(event.receipt)
    else {
      if (event.type === 'message') this.#typists.remove(event.message.sender.id)
      const log = applyEvent(this.state.log, event)
      if (log !== this.state.log) this.setState({ ...this.state, log })
      if (isBehind(log)) this.#planCatchUp()
    }
  }

  onOutbox(): void {
    const unsent = this.#options.outbox.items.filter(({ sessionId }) => sessionId === this.id)
    if (unsent.length > 0 || this.state.unsent.length > 0) this.#patch({ unsent })
  }

  /** Forgets a sent typing signal, because other viewers drop it when the connection is lost. */
  onOffline(): void {
    this.#typing.forget()
  }

  /**
   * Opens the session again until nothing is missing, which also joins its room. Then repeats a
   * receipt that could not be sent. Never rejects.
   */
  async catchUp(): Promise<void> {
    this.#catchingUp ??= this.#options
      .inTurn(() => this.#readMissing())
      .catch((error: unknown) => this.#onCatchUpFailure(error))
      .finally(() => (this.#catchingUp = undefined))
    await this.#catchingUp
    this.#reading.repeat()
  }

  /** Adds a message to the outbox. Throws `TOO_MANY_REQUESTS` if the outbox is full. */
  send(content: string): void {
    this.#typing.stop()
    this.#options.outbox.add(this.id, content, isModelSilent(this.state.log))
  }

  /** Ends the session, which stays readable. */
  async end(): Promise<void> {
    await this.#change('session:end')
  }

  /** Asks for a person. Asked again, the first request stays. */
  async requestHelp(): Promise<void> {
    await this.#change('help:request')
  }

  /** Takes the request for a person back. */
  async cancelHelp(): Promise<void> {
    await this.#change('help:cancel')
  }

  async selectModel(modelId: string): Promise<void> {
    const payload = { sessionId: this.id, modelId }
    const { session } = await this.#options.connection.request('model:select', payload)
    this.apply({ type: 'session', session })
  }

  /** Stops the current reply, even if no worker has begun it. */
  async stop(): Promise<void> {
    // An unknown reply already has an id on the server.
    if (this.state.log.drafts.length === 0) await this.catchUp()
    const replyId = this.state.log.drafts[0]?.replyId
    if (!replyId) return
    await this.#options.connection.request('reply:stop', { sessionId: this.id, replyId })
  }

  /** Requests a new reply in place of a failed, incomplete or stopped one. */
  async retry(messageId: string): Promise<void> {
    const { messages, session } = this.state.log
    const failed = messages.find(({ id }) => id === messageId)
    if (!failed) return
    const payload = { sessionId: this.id, messageId }
    const { replyId } = await this.#options.connection.request('reply:retry', payload)
    const { replyTo = '' } = failed
    const reply = { replyId, replyTo, modelId: session.modelId, attempt: 0, index: 0, text: '' }
    this.apply({ type: 'expected', reply })
  }

  async loadOlder(): Promise<void> {
    const { log, loadingOlder } = this.state
    const beforeSeq = log.messages[0]?.seq
    if (!log.hasOlder || !beforeSeq || loadingOlder) return
    const payload = { sessionId: this.id, beforeSeq, limit: HISTORY_PAGE }
    this.#patch({ loadingOlder: true })
    try {
      const page = await this.#options.connection.request('session:history', payload)
      this.apply({ type: 'older', page })
    } finally {
      this.#patch({ loadingOlder: false })
    }
  }

  /** Call this when the user types. */
  onInput(): void {
    this.#typing.onInput()
  }

  /** Call this when `userId` has seen the end of the log. The authors of the entries are told. */
  markRead(userId: string | undefined): void {
    const news = this.state.log.messages.findLast(({ sender }) => sender.id !== userId)
    if (news) this.#reading.onRead(news.seq)
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer.stop()
    this.#reading.stop()
    this.#typing.stop()
    this.#typists.clear()
    this.#options.onClose()
  }

  async #change(event: 'session:end' | 'help:request' | 'help:cancel'): Promise<void> {
    const { session } = await this.#options.connection.request(event, { sessionId: this.id })
    this.apply({ type: 'session', session })
  }

  #onReceipt({ reader, seq }: ServerPayload<'message:receipt'>): void {
    const { [reader.id]: known = 0, ...others } = this.state.readUpTo
    const latest = Object.entries(others).slice(1 - MAX_READERS)
    this.#patch({
      readUpTo: { ...Object.fromEntries(latest), [reader.id]: Math.max(known, seq) },
    })
  }

  #planCatchUp(): void {
    if (this.#timer.isRunning) return
    this.#timer.start(CATCH_UP_DELAY_MS, () => {
      if (this.#catchingUp) this.#planCatchUp()
      else if (isBehind(this.state.log)) void this.catchUp()
    })
  }

  async #readMissing(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS && !this.#closed; round += 1) {
      const { headSeq, lastSeq, drafts } = this.state.log
      const range = headSeq - lastSeq > MAX_GAP ? {} : { afterSeq: lastSeq }
      const payload = { sessionId: this.id, limit: CATCH_UP_PAGE, ...range }
      const page = await this.#options.connection.request('session:open', payload)
      this.#timer.forgetFailures()
      this.apply({ type: 'opened', page, drafts, ...range })
      // Another round would return the same. The next event requests it again.
      const { log } = this.state
      if (log.lastSeq <= lastSeq || log.headSeq === log.lastSeq) return
    }
  }

  #onCatchUpFailure(thrown: unknown): void {
    const { code, retryable, retryAfterMs } = toRequestError(thrown)
    // When the connection is back, every view catches up anyway.
    if (this.#closed || code === 'OFFLINE' || code === 'TIMEOUT') return
    if (retryable) this.#timer.retry(() => void this.catchUp(), retryAfterMs)
    else this.#options.onError(thrown)
  }

  #patch(part: Partial<SessionViewState>): void {
    this.setState({ ...this.state, ...part })
  }
}
