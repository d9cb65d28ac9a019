import { createId, Observable, type Connection } from '@chatbox/client'
import type { ClientData, ClientPayload, Desk, DeskEntry } from '@chatbox/contract'

interface DeskState {
  sessionId: string
  desk: Desk | null
  entries: readonly DeskEntry[]
  knownTags: readonly string[]
}

const MAX_ENTRIES = 500
/** How long an operator pauses before a draft is kept. */
const DRAFT_DELAY_MS = 800
const NO_DESK: DeskState = { sessionId: '', desk: null, entries: [], knownTags: [] }

/** The operators' log of the open chat, and the operator's own draft. */
export class DeskNotes extends Observable<DeskState> {
  readonly #server: Pick<Connection, 'on' | 'request'>
  #drafting: { sessionId: string; text: string; timer: number } | undefined

  constructor(server: Pick<Connection, 'on' | 'request'>) {
    super(NO_DESK)
    this.#server = server
    server.on('desk:new', ({ entry, desk }) => this.#take(entry, desk))
  }

  /** Reads the log and follows it. Returns the draft. */
  async open(sessionId: string): Promise<string> {
    if (sessionId !== this.state.sessionId) this.setState({ ...NO_DESK, sessionId })
    const page = await this.#server.request('desk:open', { sessionId })
    const { desk, entries, knownTags, draft } = page
    if (sessionId === this.state.sessionId) this.setState({ sessionId, desk, entries, knownTags })
    return draft
  }

  async append(action: ClientPayload<'desk:append'>['action']): Promise<void> {
    const { sessionId } = this.state
    const payload = { sessionId, clientEntryId: createId(), action }
    const { entry, desk }: ClientData<'desk:append'> = await this.#server.request(
      'desk:append',
      payload,
    )
    this.#take(entry, desk)
  }

  /** Keeps a draft on the server, where every page of the operator finds it. */
  keepDraft(sessionId: string, text: string): void {
    if (this.#drafting && this.#drafting.sessionId !== sessionId) this.flushDraft()
    clearTimeout(this.#drafting?.timer)
    const timer = window.setTimeout(() => this.flushDraft(), DRAFT_DELAY_MS)
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

  #take(entry: DeskEntry, desk: Desk): void {
    const { sessionId, entries } = this.state
    if (entry.sessionId !== sessionId) return
    if (entries.some(({ id }) => id === entry.id)) return
    const all = [...entries, entry].sort((a, b) => a.seq - b.seq).slice(-MAX_ENTRIES)
    const isNewer = desk.seq >= (this.state.desk?.seq ?? 0)
    this.setState({ ...this.state, entries: all, ...(isNewer && { desk }) })
  }
}
