import type { ClientData, ServerPayload } from '@chatbox/contract'
import type { Connection } from '../connection/connection.ts'
import { createObservable, type Observable } from '../observable.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { UnsentMessage } from '../outbox/outbox-storage.ts'
import { createReadSignal, type ReadSignal } from './read-signal.ts'
import type { LogEvent, SessionLog } from './session-log.ts'
import { SessionSync, type SyncOptions } from './session-sync.ts'
import { TypingOthers, type Typist } from './typing-others.ts'
import { createTypingSignal, type TypingSignal } from './typing-signal.ts'

/** Everything that is shown of one session. */
export interface SessionViewState {
  /** Its entries, and the replies that are being written. */
  log: SessionLog
  loadingOlder: boolean
  typists: readonly Typist[]
  /** How far each other reader has come, by reader. */
  readUpTo: Readonly<Record<string, number>>
  /** Messages of this session that the server has not confirmed. */
  unsent: readonly UnsentMessage[]
}

export type ViewEvent =
  | LogEvent
  | { type: 'typing'; typing: ServerPayload<'typing'> }
  | { type: 'receipt'; receipt: ServerPayload<'message:receipt'> }

export interface SessionViewOptions extends Pick<SyncOptions, 'inTurn' | 'onError' | 'random'> {
  connection: Pick<Connection, 'request' | 'sendTyping'>
  outbox: Pick<Outbox, 'add' | 'items'>
  onClose(): void
}

const HISTORY_PAGE = 50
const MAX_READERS = 50

/**
 * One open session: its state, kept equal to the server's, and what its viewer does there. What is
 * asked of the server rejects with `RequestError`.
 */
export class SessionView {
  readonly id: string
  readonly #options: SessionViewOptions
  readonly #sync: SessionSync
  readonly #state: Observable<SessionViewState>
  readonly #others: TypingOthers
  readonly #typing: TypingSignal
  readonly #reading: ReadSignal

  constructor(page: ClientData<'session:open'>, options: SessionViewOptions) {
    const { connection } = options
    const sessionId = page.session.id
    this.id = sessionId
    this.#options = options
    this.#sync = new SessionSync(page, {
      ...options,
      open: (payload) => connection.request('session:open', payload),
      // Not by a patch, which costs more: it is done for each piece of a reply.
      onChange: (log) => this.#state.set({ ...this.state, log }),
    })
    this.#others = new TypingOthers((typists) => this.#patch({ typists }))
    this.#typing = createTypingSignal((typing) => connection.sendTyping({ sessionId, typing }))
    this.#reading = createReadSignal((seq) =>
      connection.request('message:read', { sessionId, seq }),
    )
    this.#state = createObservable<SessionViewState>({
      log: this.#sync.log,
      loadingOlder: false,
      typists: [],
      readUpTo: {},
      unsent: [],
    })
    this.onOutbox()
  }

  get state(): SessionViewState {
    return this.#state.get()
  }

  subscribe(listener: () => void): () => void {
    return this.#state.subscribe(listener)
  }

  /** An event of this session. */
  apply(event: ViewEvent): void {
    if (event.type === 'typing') this.#others.apply(event.typing)
    else if (event.type === 'receipt') this.#onReceipt(event.receipt)
    else {
      if (event.type === 'message') this.#others.remove(event.message.sender.id)
      this.#sync.apply(event)
    }
  }

  /** The outbox has changed. */
  onOutbox(): void {
    const unsent = this.#options.outbox.items.filter(({ sessionId }) => sessionId === this.id)
    if (unsent.length > 0 || this.state.unsent.length > 0) this.#patch({ unsent })
  }

  /** There is no connection: who was told that the user types has forgotten it. */
  onOffline(): void {
    this.#typing.forget()
  }

  /** Asks for what is missing, and tells what could not be told. Never rejects. */
  async catchUp(): Promise<void> {
    await this.#sync.catchUp()
    this.#reading.repeat()
  }

  /** Hands a message to the outbox. Throws `TOO_MANY_REQUESTS` where that is full. */
  send(content: string): void {
    this.#typing.stop()
    this.#options.outbox.add(this.id, content)
  }

  /** Ends the session, which can still be read. */
  async end(): Promise<void> {
    this.#apply(await this.#options.connection.request('session:end', { sessionId: this.id }))
  }

  async selectModel(modelId: string): Promise<void> {
    const payload = { sessionId: this.id, modelId }
    this.#apply(await this.#options.connection.request('model:select', payload))
  }

  /** Stops the reply that is being written, also one that no worker has begun yet. */
  async stop(): Promise<void> {
    // A reply that was not heard of has an id already, and the server knows it.
    if (this.#sync.log.drafts.length === 0) await this.#sync.catchUp()
    const replyId = this.#sync.log.drafts[0]?.replyId
    if (!replyId) return
    await this.#options.connection.request('reply:stop', { sessionId: this.id, replyId })
  }

  /** Asks for another reply in place of a failed, incomplete or stopped one. */
  async retry(messageId: string): Promise<void> {
    const failed = this.#sync.log.messages.find(({ id }) => id === messageId)
    if (!failed) return
    const payload = { sessionId: this.id, messageId }
    const { replyId } = await this.#options.connection.request('reply:retry', payload)
    const { replyTo = '' } = failed
    const { modelId } = this.#sync.log.session
    const reply = { replyId, replyTo, modelId, attempt: 0, index: 0, text: '' }
    this.#sync.apply({ type: 'expected', reply })
  }

  async loadOlder(): Promise<void> {
    const { log, loadingOlder } = this.state
    const beforeSeq = log.messages[0]?.seq
    if (!log.hasOlder || !beforeSeq || loadingOlder) return
    const payload = { sessionId: this.id, beforeSeq, limit: HISTORY_PAGE }
    this.#patch({ loadingOlder: true })
    try {
      const page = await this.#options.connection.request('session:history', payload)
      this.#sync.apply({ type: 'older', page })
    } finally {
      this.#patch({ loadingOlder: false })
    }
  }

  /** The user typed something. */
  onInput(): void {
    this.#typing.onInput()
  }

  /** `userId` has seen everything up to the end of the log; of what others wrote, they are told. */
  markRead(userId: string | undefined): void {
    const news = this.#sync.log.messages.findLast(({ sender }) => sender.id !== userId)
    if (news) this.#reading.onRead(news.seq)
  }

  /** Idempotent. */
  close(): void {
    this.#reading.stop()
    this.#typing.stop()
    this.#others.clear()
    this.#sync.close()
    this.#options.onClose()
  }

  #apply({ session }: ClientData<'session:end'>): void {
    this.#sync.apply({ type: 'session', session })
  }

  #onReceipt({ reader, seq }: ServerPayload<'message:receipt'>): void {
    const { [reader.id]: known = 0, ...others } = this.state.readUpTo
    const latest = Object.entries(others).slice(1 - MAX_READERS)
    this.#patch({
      readUpTo: { ...Object.fromEntries(latest), [reader.id]: Math.max(known, seq) },
    })
  }

  #patch(part: Partial<SessionViewState>): void {
    this.#state.set({ ...this.state, ...part })
  }
}
