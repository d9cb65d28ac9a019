import { createId, Observable, type Connection } from '@chatbox/client'
import type { ClientData, ClientPayload, Desk, DeskEntry } from '@chatbox/contract'

interface DeskState {
  sessionId: string
  desk: Desk | null
  entries: readonly DeskEntry[]
  knownTags: readonly string[]
}

type Action = ClientPayload<'desk:append'>['action']

const PAGE = 200
const MAX_ENTRIES = 1000
/** How long an operator pauses before a draft is kept. */
const DRAFT_DELAY_MS = 800
const NO_DESK: DeskState = { sessionId: '', desk: null, entries: [], knownTags: [] }

/** The operators' log of the open chat, and the operator's own draft. */
export class DeskNotes extends Observable<DeskState> {
  readonly #server: Pick<Connection, 'on' | 'request'>
  #drafting: { sessionId: string; text: string; timer: ReturnType<typeof setTimeout> } | undefined
  /** What was asked for last, and under which id: asked again after no answer, it is the same. */
  #asked: { text: string; id: string } | undefined

  constructor(server: Pick<Connection, 'on' | 'request'>) {
    super(NO_DESK)
    this.#server = server
    server.on('desk:new', ({ entry, desk }) => this.#take(entry.sessionId, [entry], desk))
  }

  /** Reads the log and follows it. Returns the draft. */
  async open(sessionId: string): Promise<string> {
    if (sessionId !== this.state.sessionId) this.setState({ ...NO_DESK, sessionId })
    const page = await this.#server.request('desk:open', { sessionId, limit: PAGE })
    this.#take(sessionId, page.entries, page.desk)
    if (sessionId === this.state.sessionId) {
      this.setState({ ...this.state, knownTags: page.knownTags })
    }
    return page.draft
  }

  async append(action: Action): Promise<void> {
    const { sessionId } = this.state
    const text = JSON.stringify([sessionId, action])
    if (this.#asked?.text !== text) this.#asked = { text, id: createId() }
    const payload = { sessionId, clientEntryId: this.#asked.id, action }
    const answer: ClientData<'desk:append'> = await this.#server.request('desk:append', payload)
    this.#asked = undefined
    this.#take(sessionId, [answer.entry], answer.desk)
  }

  /** Keeps a draft on the server, where every page of the operator finds it. */
  keepDraft(sessionId: string, text: string): void {
    if (this.#drafting && this.#drafting.sessionId !== sessionId) this.flushDraft()
    clearTimeout(this.#drafting?.timer)
    const timer = setTimeout(() => this.flushDraft(), DRAFT_DELAY_MS)
    this.#drafting = { sessionId, text, timer }
  }

  /** Sends a draft that waits. Its loss costs a draft on other pages alone. */
  flushDraft(): void {
    if (!this.#drafting) return
    const { sessionId, text, timer } = this.#drafting
    clearTimeout(timer)
    this.#drafting = undefined
    this.#server.request('desk:draft', { sessionId, text }).catch(() => undefined)
  }

  /** Events and answers overtake each other, so what is known already stays. */
  #take(sessionId: string, entries: readonly DeskEntry[], desk: Desk): void {
    if (sessionId !== this.state.sessionId) return
    const known = new Set(this.state.entries.map(({ id }) => id))
    const news = entries.filter(({ id }) => !known.has(id))
    const all = [...this.state.entries, ...news].sort((a, b) => a.seq - b.seq)
    const isNewer = desk.seq >= (this.state.desk?.seq ?? 0)
    this.setState({ ...this.state, entries: all.slice(-MAX_ENTRIES), ...(isNewer && { desk }) })
  }
}
