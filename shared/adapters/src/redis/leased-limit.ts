import type { RateDecision } from '@chatbox/core'

/** The answer of a shared count to a request for a batch. */
export interface Grant {
  /** From 0 to all that was asked for. */
  points: number
  /** The time until the window ends. */
  endsInMs: number
}

/** The rest of a batch. */
interface Lease {
  points: number
  endsAt: number
}

/** A requested batch, and how many callers wait for a point of it. */
interface Batch {
  takers: number
  grant: Promise<Grant>
}

export interface LeasedLimitOptions {
  batch: number
  askShared(key: string, points: number): Promise<Grant>
  /** In milliseconds, monotonic. */
  now?: () => number
}

/** Beyond this number the oldest lease is dropped with its unspent points. */
export const MAX_LEASES = 10_000

/**
 * Takes a key's points from a shared count in batches and spends them one by one until their window
 * ends. All processes together never spend more than the count gives.
 */
export class LeasedLimit {
  readonly #options: LeasedLimitOptions
  readonly #now: () => number
  readonly #leases = new Map<string, Lease>()
  /** The last request of each key. Those before it are full. */
  readonly #coming = new Map<string, Batch>()

  constructor(options: LeasedLimitOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /**
   * Decides in the order of a key's callers. Rejects only if the shared count could not be read.
   */
  async take(key: string, points = 1): Promise<RateDecision> {
    if (points > 1) return await this.#takeMany(key, points)
    const last = this.#coming.get(key)
    if (!last && this.#spend(key, 1) === 1) return { allowed: true }
    // A caller that comes during a request waits in line, so that a later caller who finds the
    // batch does not overtake it.
    const batch = last && last.takers < this.#options.batch ? last : this.#ask(key)
    batch.takers += 1
    const place = batch.takers
    return decide(place, await batch.grant)
  }

  /** Asks for exactly what the lease does not have, without a place in the line. */
  async #takeMany(key: string, points: number): Promise<RateDecision> {
    const missing = points - this.#spend(key, points)
    if (missing === 0) return { allowed: true }
    return decide(missing, await this.#options.askShared(key, missing))
  }

  #ask(key: string): Batch {
    const waiting = { takers: 0 }
    const batch = Object.assign(waiting, { grant: this.#fetch(key, waiting) })
    this.#coming.set(key, batch)
    return batch
  }

  /**
   * Gives each waiting caller its point of the batch, even if the window has ended in the meantime.
   */
  async #fetch(key: string, waiting: Pick<Batch, 'takers'>): Promise<Grant> {
    // The lease counts from before the request, so it never outlives its window.
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

  /** Returns how many of `points` the lease had. */
  #spend(key: string, points: number): number {
    const lease = this.#leases.get(key)
    if (!lease) return 0
    const spent = lease.endsAt > this.#now() ? Math.min(points, lease.points) : 0
    lease.points -= spent
    if (spent === 0 || lease.points === 0) this.#leases.delete(key)
    return spent
  }

  #keep(key: string, lease: Lease): void {
    if (lease.points <= 0) return
    this.#makeRoom()
    this.#leases.set(key, lease)
  }

  /** Removes the oldest leases: the expired ones, and more if there are too many. */
  #makeRoom(): void {
    for (const [key, { endsAt }] of this.#leases) {
      if (this.#leases.size < MAX_LEASES && endsAt > this.#now()) return
      this.#leases.delete(key)
    }
  }
}

function decide(wanted: number, { points, endsInMs }: Grant): RateDecision {
  if (wanted <= points) return { allowed: true }
  return { allowed: false, retryAfterMs: Math.max(1, endsInMs) }
}
