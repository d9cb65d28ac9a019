import type { Session } from '@chatbox/contract'
import type { HttpApi } from './connection/http-api.ts'
import { createObservable } from './observable.ts'

export interface Sessions {
  status: 'unread' | 'reading' | 'ready' | 'failed'
  items: readonly Session[]
  nextCursor: string | null
}

const NO_SESSIONS: Sessions = { status: 'unread', items: [], nextCursor: null }

/** More are not listed: nobody looks through so many. */
const MAX_ITEMS = 1000

/** The list of the user's own sessions, as far as it was read. */
export class MySessions {
  readonly #http: HttpApi
  readonly #shown = createObservable(NO_SESSIONS)

  constructor(http: HttpApi) {
    this.#http = http
  }

  get shown(): Sessions {
    return this.#shown.get()
  }

  subscribe(listener: () => void): () => void {
    return this.#shown.subscribe(listener)
  }

  /** Reads the list anew, or the part after the one that is known. Never rejects. */
  async read(more: boolean): Promise<void> {
    const known = this.shown
    if (known.status === 'reading') return
    this.#shown.set({ ...known, status: 'reading' })
    try {
      const cursor = more ? (known.nextCursor ?? undefined) : undefined
      const { items, nextCursor } = await this.#http.listSessions(cursor)
      const all = cursor ? [...known.items, ...items] : items
      const next = all.length < MAX_ITEMS ? nextCursor : null
      this.#shown.set({ status: 'ready', items: all, nextCursor: next })
    } catch {
      this.#shown.set({ ...known, status: 'failed' })
    }
  }

  /** A session that is in the list has changed. */
  update(session: Session): void {
    const items = this.shown.items.map((one) => (one.id === session.id ? session : one))
    this.#shown.set({ ...this.shown, items })
  }
}
