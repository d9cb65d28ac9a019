import type { ClientData, ClientPayload, Message } from '@chatbox/contract'
import { RequestError } from '../connection/request.ts'
import { SessionView, type SessionViewOptions, type ViewEvent } from './session-view.ts'

export type SessionViewsOptions = Omit<SessionViewOptions, 'inTurn' | 'onClose'>

/** If a connection opens more sessions, the server leaves the oldest one. */
export const MAX_VIEWS = 50
/** The number of views that catch up at the same time after an outage. */
export const MAX_ASKING = 4
/** The number of events kept for sessions whose page has not arrived. */
const MAX_EARLY = 500

/** The open sessions of one connection. Each has one view, which gets only its own events. */
export class SessionViews {
  readonly #options: SessionViewsOptions
  readonly #views = new Map<string, SessionView>()
  /** Catch-ups that wait for their turn. */
  readonly #waiting: (() => void)[] = []
  #asking = 0
  #opening = 0
  #early: { sessionId: string; event: ViewEvent }[] = []

  constructor(options: SessionViewsOptions) {
    this.#options = options
    options.outbox.subscribe(() => this.#each((view) => view.onOutbox()))
    this.#listen()
  }

  /**
   * Opens a session, or returns its existing view. Without an id, opens the active session, or a
   * new one if the last activity is long ago. Rejects with `RequestError`; with `TOO_MANY_REQUESTS`
   * if 50 sessions are open.
   */
  async open(payload: ClientPayload<'session:open'>): Promise<SessionView> {
    this.#checkRoom(payload.sessionId)
    const drafts = [...this.#views.values()].flatMap(({ state }) => state.log.drafts)
    this.#opening += 1
    try {
      const page = await this.#options.connection.request('session:open', payload)
      const known = this.#views.get(page.session.id)
      if (!known) return this.#add(page)
      known.apply({ type: 'opened', page, drafts })
      return known
    } finally {
      this.#opening -= 1
      if (this.#opening === 0) this.#early = []
    }
  }

  /** Brings all views up to date, a few at a time. Never rejects. */
  async catchUp(): Promise<void> {
    await Promise.all([...this.#views.values()].map((view) => view.catchUp()))
  }

  /** Applies a message that the server has confirmed. */
  onSent(message: Message): void {
    this.#apply(message.sessionId, { type: 'message', message })
  }

  onOffline(): void {
    this.#each((view) => view.onOffline())
  }

  /** Closes every view. Idempotent. */
  close(): void {
    this.#each((view) => view.close())
  }

  #checkRoom(sessionId: string | undefined): void {
    if (sessionId !== undefined && this.#views.has(sessionId)) return
    if (this.#views.size + this.#opening < MAX_VIEWS) return
    throw new RequestError({
      code: 'TOO_MANY_REQUESTS',
      message: 'Too many chats are open at once.',
      retryable: false,
    })
  }

  #add(page: ClientData<'session:open'>): SessionView {
    const { id } = page.session
    const view: SessionView = new SessionView(page, {
      ...this.#options,
      inTurn: (run) => this.#inTurn(run),
      onClose: () => {
        if (this.#views.get(id) === view) this.#views.delete(id)
      },
    })
    this.#views.set(id, view)
    // The server joins a session before it reads the page, so these events may be newer.
    for (const { sessionId, event } of this.#early) if (sessionId === id) view.apply(event)
    return view
  }

  /** Runs a catch-up at once, or in its turn, in the order of the calls. */
  async #inTurn(run: () => Promise<void>): Promise<void> {
    if (this.#asking >= MAX_ASKING) await new Promise<void>((next) => this.#waiting.push(next))
    else this.#asking += 1
    try {
      await run()
    } finally {
      // The next one takes this slot, so nothing else can get in between.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#asking -= 1
    }
  }

  #apply(sessionId: string, event: ViewEvent): void {
    const view = this.#views.get(sessionId)
    if (view) view.apply(event)
    else if (this.#opening > 0 && this.#early.length < MAX_EARLY) {
      this.#early.push({ sessionId, event })
    }
  }

  #each(action: (view: SessionView) => void): void {
    for (const view of [...this.#views.values()]) action(view)
  }

  #listen(): void {
    const { connection } = this.#options
    connection.on('message:new', ({ message }) =>
      this.#apply(message.sessionId, { type: 'message', message }),
    )
    connection.on('reply:start', (start) => this.#apply(start.sessionId, { type: 'start', start }))
    connection.on('reply:delta', (delta) => this.#apply(delta.sessionId, { type: 'delta', delta }))
    connection.on('session:head', ({ sessionId, lastSeq }) =>
      this.#apply(sessionId, { type: 'head', lastSeq }),
    )
    connection.on('session:updated', ({ session }) =>
      this.#apply(session.id, { type: 'session', session }),
    )
    connection.on('typing', (typing) => this.#apply(typing.sessionId, { type: 'typing', typing }))
    connection.on('message:receipt', (receipt) =>
      this.#apply(receipt.sessionId, { type: 'receipt', receipt }),
    )
  }
}
