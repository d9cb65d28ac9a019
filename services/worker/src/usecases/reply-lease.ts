import type { Claim, ClaimState, ReplyClaims } from '@chatbox/core'
import type { Halt } from './halt.ts'

export interface LeaseDeps {
  replies: Pick<ReplyClaims, 'renew' | 'raiseEpoch'>
  onLost(): void
}

/**
 * Keeps a claim while its reply is written: renews it at a third of its time and halts the writing
 * when it is lost or a stop was asked for. A store that is away loses the claim only when the lease
 * itself has run out. The store's compare-and-set decides in the end; this ends useless work early.
 */
export class ReplyLease {
  readonly #deps: LeaseDeps
  readonly #halt: Halt
  readonly #leaseMs: number
  readonly #lost = new AbortController()
  #claim: Claim
  #ended = false
  /** Moves when the epoch does: an answer to a renewal of the epoch before says nothing. */
  #generation = 0
  #renewal: NodeJS.Timeout | undefined
  #expiry: NodeJS.Timeout

  constructor(deps: LeaseDeps, halt: Halt, held: { claim: Claim; leaseMs: number }) {
    this.#deps = deps
    this.#halt = halt
    this.#claim = held.claim
    this.#leaseMs = held.leaseMs
    this.#expiry = this.#startExpiry()
    this.#scheduleRenewal(this.#leaseMs / 3)
  }

  get claim(): Claim {
    return this.#claim
  }

  /** Aborts when the claim is lost; a stop or a shutdown leaves it held. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Begins another attempt; false when the claim is lost. Rejects as the store does. */
  async raise(): Promise<boolean> {
    this.#generation++
    const expiry = this.#startExpiry()
    try {
      const claim = await this.#deps.replies.raiseEpoch(this.#claim, this.#leaseMs)
      this.#generation++
      if (!claim) this.#lose()
      if (!claim || this.#ended) return false
      this.#claim = claim
      this.#replaceExpiry(expiry)
      return true
    } finally {
      if (this.#expiry !== expiry) clearTimeout(expiry)
    }
  }

  /** Ends the renewal, before the claim is given back or forgotten. Idempotent. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#renewal)
    clearTimeout(this.#expiry)
  }

  #scheduleRenewal(inMs: number): void {
    this.#renewal = setTimeout(() => void this.#renew(), inMs)
  }

  async #renew(): Promise<void> {
    const generation = this.#generation
    const expiry = this.#startExpiry()
    const state = await this.#askStore()
    if (this.#ended || generation !== this.#generation) clearTimeout(expiry)
    else this.#onRenewed(state, expiry)
    // A failed renewal leaves less time than a good one does.
    if (!this.#ended) this.#scheduleRenewal(state ? this.#leaseMs / 3 : this.#leaseMs / 10)
  }

  /** Undefined where the store is away: the lease goes on until it runs out. */
  async #askStore(): Promise<ClaimState | undefined> {
    try {
      return await this.#deps.replies.renew(this.#claim, this.#leaseMs)
    } catch {
      return undefined
    }
  }

  #onRenewed(state: ClaimState | undefined, expiry: NodeJS.Timeout): void {
    if (state === 'held' || state === 'stop-requested') this.#replaceExpiry(expiry)
    else clearTimeout(expiry)
    if (state === 'stop-requested') this.#halt.raise('stop')
    if (state === 'lost') this.#lose()
  }

  /** Counted from before the store was asked, so it never outlasts the store's own lease. */
  #startExpiry(): NodeJS.Timeout {
    return setTimeout(() => this.#lose(), this.#leaseMs)
  }

  #replaceExpiry(expiry: NodeJS.Timeout): void {
    clearTimeout(this.#expiry)
    this.#expiry = expiry
  }

  #lose(): void {
    if (this.#ended) return
    this.end()
    this.#deps.onLost()
    this.#lost.abort(new Error('the claim is lost'))
    this.#halt.raise('lost')
  }
}
