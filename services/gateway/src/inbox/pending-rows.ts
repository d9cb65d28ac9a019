import type { InboxEntry } from '@chatbox/core'

/** How often consoles are told of one session. */
export const ROW_EVERY_MS = 1000
/** The rows in one event, and the pause before the next one: about 150 KB for each console. */
export const MAX_ROWS_AT_ONCE = 200
const FULL_PAUSE_MS = 250

interface Pending {
  entry: InboxEntry
  since: Date
}

/** The changes that consoles have not been told of, because they were told of the session just now. */
export class PendingRows {
  readonly #pending = new Map<string, Pending>()
  /** When a session was told of, by the monotonic clock. */
  readonly #toldAt = new Map<string, number>()
  readonly #tell: (due: InboxEntry[]) => void
  #timer: NodeJS.Timeout | undefined

  constructor(tell: (due: InboxEntry[]) => void) {
    this.#tell = tell
  }

  /** The time of the store that `add` was given for the oldest one; undefined if there is none. */
  get oldest(): Date | undefined {
    let oldest: Date | undefined
    for (const { since } of this.#pending.values()) {
      if (!oldest || since < oldest) oldest = since
    }
    return oldest
  }

  /**
   * What is added waits for the next `flush`. `since` is a time of the store at which the change was
   * not there yet.
   */
  add(entries: readonly InboxEntry[], since: Date): void {
    for (const entry of entries) {
      const { id } = entry.session
      this.#pending.set(id, { entry, since: this.#pending.get(id)?.since ?? since })
    }
  }

  /** Tells of those whose time has come. The others follow. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const now = performance.now()
    this.#forget(now)
    const due: InboxEntry[] = []
    let waitMs = ROW_EVERY_MS
    for (const [id, { entry }] of this.#pending) {
      const dueInMs = (this.#toldAt.get(id) ?? -Infinity) + ROW_EVERY_MS - now
      if (dueInMs > 0) waitMs = Math.min(waitMs, dueInMs)
      else if (due.length < MAX_ROWS_AT_ONCE) due.push(entry)
      else waitMs = Math.min(waitMs, FULL_PAUSE_MS)
    }
    for (const { session } of due) {
      this.#pending.delete(session.id)
      this.#toldAt.set(session.id, now)
    }
    if (this.#pending.size > 0) this.#wait(waitMs)
    if (due.length > 0) this.#tell(due)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pending.clear()
    this.#toldAt.clear()
  }

  #wait(ms: number): void {
    if (this.#timer) return
    this.#timer = setTimeout(() => this.flush(), ms)
    this.#timer.unref()
  }

  /** The map is in the order of telling. */
  #forget(now: number): void {
    for (const [id, at] of this.#toldAt) {
      if (now - at < ROW_EVERY_MS) return
      this.#toldAt.delete(id)
    }
  }
}
