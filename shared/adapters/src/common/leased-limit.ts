import type { RateDecision } from '@chatbox/core'

/** What a shared count gave of a batch that was asked of it. */
export interface Grant {
  /** Between none and the whole batch. */
  points: number
  /** Until its window ends. */
  endsInMs: number
}

interface Lease {
  points: number
  endsAt: number
}

export interface LeasedLimitOptions {
  batch: number
  askShared(key: string, batch: number): Promise<Grant>
  /** In milliseconds, and never put back. */
  now?: () => number
}

/** Beyond this the oldest lease goes, and with it what its key has not spent. */
const MAX_LEASES = 10_000

/**
 * Takes a key's points from a shared count a batch at a time and spends them one by one, until the
 * window that they belong to ends. All processes together never spend more than the count gives.
 */
export class LeasedLimit {
  readonly #options: LeasedLimitOptions
  readonly #now: () => number
  readonly #leases = new Map<string, Lease>()

  constructor(options: LeasedLimitOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Rejects only when the shared count could not be read. */
  async take(key: string): Promise<RateDecision> {
    if (this.#spend(key)) return { allowed: true }
    // Counted from before the question, a lease never outlives its window.
    const askedAt = this.#now()
    const { points, endsInMs } = await this.#options.askShared(key, this.#options.batch)
    if (points > 0) {
      // One is spent already, also where the window ended while the answer was on its way.
      this.#add(key, points - 1, askedAt + endsInMs)
      return { allowed: true }
    }
    // What others brought who asked at the same time is spent too before anyone is refused.
    if (this.#spend(key)) return { allowed: true }
    return { allowed: false, retryAfterMs: Math.max(1, endsInMs) }
  }

  #spend(key: string): boolean {
    const lease = this.#find(key)
    if (!lease) return false
    lease.points -= 1
    if (lease.points === 0) this.#leases.delete(key)
    return true
  }

  #add(key: string, points: number, endsAt: number): void {
    if (points <= 0) return
    const held = this.#find(key)?.points ?? 0
    this.#leases.delete(key)
    this.#makeRoom()
    this.#leases.set(key, { points: held + points, endsAt })
  }

  #find(key: string): Lease | undefined {
    const lease = this.#leases.get(key)
    if (lease && lease.endsAt > this.#now()) return lease
    this.#leases.delete(key)
    return undefined
  }

  /** The oldest first: those that ended by themselves, and more where there are too many. */
  #makeRoom(): void {
    for (const [key, { endsAt }] of this.#leases) {
      if (this.#leases.size < MAX_LEASES && endsAt > this.#now()) return
      this.#leases.delete(key)
    }
  }
}
