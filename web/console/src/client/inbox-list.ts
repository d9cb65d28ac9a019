import { Observable, type Connection } from '@chatbox/client'
import type { InboxRow, InboxView, ServerPayload } from '@chatbox/contract'
import { NOTHING_SHOWN, type InboxState } from './console-state.ts'

type Server = Pick<Connection, 'on' | 'request'>

/** `listed`: they may have been there for long. `changed`: somebody has just done something. */
export type OnRows = (rows: readonly InboxRow[], why: 'listed' | 'changed') => void

const PAGE = 50

/**
 * One view of the inbox. A row says itself in which views it is and where, so a change costs no
 * question. Requests reject with `RequestError`.
 */
export class InboxList extends Observable<InboxState> {
  readonly #server: Server
  readonly #onRows: OnRows
  #cursor: string | undefined
  /** Counts readings, so that the answer to an earlier one can be dropped. */
  #reading = 0
  /** What has changed while a page is read, because its answer may be from before that. */
  readonly #meanwhile = new Map<string, InboxRow>()

  constructor(server: Server, onRows: OnRows) {
    super(NOTHING_SHOWN.inbox)
    this.#server = server
    this.#onRows = onRows
    server.on('inbox:changed', (change) => this.#onChanged(change))
  }

  /** Follows the changes, and catches up after a lost connection. */
  async follow(): Promise<void> {
    const since = this.#cursor === undefined ? {} : { cursor: this.#cursor }
    const { rows, counts, cursor, isTooOld } = await this.#server.request('inbox:subscribe', since)
    this.#patch({ began: this.state.began ?? cursor })
    this.#onChanged({ rows, counts, cursor })
    if (isTooOld || since.cursor === undefined) await this.show(this.state.view, this.state.text)
  }

  /** Lists a view from its beginning. */
  async show(view: InboxView, text: string): Promise<void> {
    const isOther = view !== this.state.view || text !== this.state.text
    this.#patch({ view, text, ...(isOther && { rows: [], next: null }) })
    await this.#read({ isAnew: true })
  }

  /** Reads what follows the last row. */
  async readMore(): Promise<void> {
    if (this.state.next !== null && !this.state.isReading) await this.#read({ isAnew: false })
  }

  async #read({ isAnew }: { isAnew: boolean }): Promise<void> {
    this.#reading += 1
    const ticket = this.#reading
    const { view, text, next } = this.state
    this.#meanwhile.clear()
    this.#patch({ isReading: true })
    try {
      const page = await this.#server.request('inbox:list', {
        view,
        limit: PAGE,
        ...(text !== '' && { text }),
        ...(!isAnew && next !== null && { after: next }),
      })
      if (ticket !== this.#reading) return
      this.#onRows(page.rows, 'listed')
      const known = isAnew ? [] : this.state.rows
      const ids = new Set(page.rows.map(({ session }) => session.id))
      const read = page.rows.map((row) => toNewer(row, this.#meanwhile.get(row.session.id)))
      const rows = [
        ...known.filter(({ session }) => !ids.has(session.id)),
        ...read.filter(({ views }) => views.includes(view)),
      ]
      this.#patch({ rows: inOrder(view, rows), next: page.next, counts: page.counts })
    } finally {
      if (ticket === this.#reading) this.#patch({ isReading: false })
    }
  }

  #onChanged({ rows: changed, counts, cursor }: ServerPayload<'inbox:changed'>): void {
    this.#cursor = cursor
    this.#onRows(changed, 'changed')
    if (this.state.isReading) for (const row of changed) this.#meanwhile.set(row.session.id, row)
    const { view, text, next, rows } = this.state
    const known = new Set(rows.map(({ session }) => session.id))
    const ids = new Set(changed.map(({ session }) => session.id))
    const kept = rows.filter(({ session }) => !ids.has(session.id))
    // What comes behind the last row is read with its page; whether a text is found is the server's to say.
    const isShown = (row: InboxRow): boolean =>
      row.views.includes(view) &&
      (known.has(row.session.id) || (text === '' && (next === null || isBefore(view, row, rows))))
    this.#patch({ rows: inOrder(view, [...kept, ...changed.filter(isShown)]), counts })
  }

  #patch(part: Partial<InboxState>): void {
    this.setState({ ...this.state, ...part })
  }
}

function toNewer(row: InboxRow, other: InboxRow | undefined): InboxRow {
  return other && Date.parse(other.changedAt) >= Date.parse(row.changedAt) ? other : row
}

function isBefore(view: InboxView, row: InboxRow, rows: readonly InboxRow[]): boolean {
  const last = rows.at(-1)
  return last === undefined || compare(view, row, last) <= 0
}

function inOrder(view: InboxView, rows: InboxRow[]): InboxRow[] {
  return rows.sort((a, b) => compare(view, a, b))
}

/** By the key as text; the ended ones by their latest activity. */
function compare(view: InboxView, a: InboxRow, b: InboxRow): number {
  if (view === 'ended') {
    return Date.parse(b.session.lastActivityAt) - Date.parse(a.session.lastActivityAt)
  }
  return a.key < b.key ? -1 : Number(a.key > b.key)
}
