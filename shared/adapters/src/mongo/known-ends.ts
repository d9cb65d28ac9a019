import type { FoundSession } from './documents.ts'

/** Some 2 KB each. */
const MAX_KNOWN = 1000

/**
 * The ends of the logs that this process has opened or written to last. One of them may be old at any time:
 * whoever inserts behind it loses to the unique index then, and reads.
 */
export class KnownEnds {
  readonly #ends = new Map<string, FoundSession>()

  find(sessionId: string): FoundSession | undefined {
    return this.#ends.get(sessionId)
  }

  keep(sessionId: string, end: FoundSession): void {
    this.#ends.delete(sessionId)
    this.#ends.set(sessionId, end)
    const [oldest] = this.#ends.keys()
    if (this.#ends.size > MAX_KNOWN && oldest !== undefined) this.#ends.delete(oldest)
  }

  /** For one that is read while others write: only where it is known, and older. */
  renew(sessionId: string, end: FoundSession): void {
    const known = this.#ends.get(sessionId)
    if (known && known.tip.seq < end.tip.seq) this.#ends.set(sessionId, end)
  }

  drop(sessionId: string): void {
    this.#ends.delete(sessionId)
  }
}
