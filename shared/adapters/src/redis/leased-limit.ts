import type { RateDecision } from '@chatbox/core'

/** What a shared count gave of a batch that was asked of it. */
export interface Grant {
  /** Between none and the whole batch. */
  points: number
  /** Until its window ends. */
  endsInMs: number
}

/** What is left of a batch. */
interface Lease {
  points: number
  endsAt: number
}

/** A batch that is on its way, and how many wait for a point of it. */
interface Batch {
  takers: number
  grant: Promise<Grant>
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
  /** The last of each key; those before it are full. */
  readonly #coming = new Map<string, Batch>()

  constructor(options: LeasedLimitOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /**
   * Decides in the order in which a key's callers came. Rejects only when the shared count could not
   * be read.
   */
  async take(key: string): Promise<RateDecision> {
    const last = this.#coming.get(key)
    if (!last && this.#spend(key)) return { allowed: true }
    // A caller who comes while a batch is on its way waits in line for it, so nobody is overtaken by
    // a later caller who finds the batch there.
    const batch = last && last.takers < this.#options.batch ? last : this.#ask(key)
    batch.takers += 1
    const place = batch.takers
    const { points, endsInMs } = await batch.grant
    if (place <= points) return { allowed: true }
    return { allowed: false, retryAfterMs: Math.max(1, endsInMs) }
  }

  #ask(key: string): Batch {
    const waiting = { takers: 0 }
    const batch = Object.assign(waiting, { grant: this.#fetch(key, waiting) })
    this.#coming.set(key, batch)
    return batch
  }

  /** Each caller that waited has its point of the batch, also where the window ended meanwhile. */
  async #fetch(key: string, waiting: Pick<Batch, 'takers'>): Promise<Grant> {
    // Counted from before the batch was asked for, a lease never outlives its window.
    const askedAt = this.#now()
    try {
      const grant = await this.#options.askShared(key, this.#options.batch)
      const endsAt = askedAt + grant.endsInMs
      this.#keep(key, { points: grant.points - waiting.takers, endsAt })
      return grant
    } finally {
      if (this.#coming.get(key) === waiting) this.#coming.delete(key)
    }
  }

  #spend(key: string): boolean {
    const lease = this.#leases.get(key)
    if (!lease) return false
    const isLive = lease.endsAt > this.#now()
    lease.points -= 1
    if (!isLive || lease.points === 0) this.#leases.delete(key)
    return isLive
  }

  #keep(key: string, lease: Lease): void {
    if (lease.points <= 0) return
    this.#makeRoom()
    this.#leases.set(key, lease)
  }

  /** The oldest first: those that ended by themselves, and more where there are too many. */
  #makeRoom(): void {
    for (const [key, { endsAt }] of this.#leases) {
      if (this.#leases.size < MAX_LEASES && endsAt > this.#now()) return
      this.#leases.delete(key)
    }
  }
}
