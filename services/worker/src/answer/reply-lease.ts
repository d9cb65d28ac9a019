import type { Claim, ClaimState, ReplyClaims } from '@chatbox/core'
import type { Halt } from './halt.ts'

export interface LeaseDeps {
  replies: Pick<ReplyClaims, 'renew' | 'raiseEpoch'>
  onLost(): void
}

export interface HeldLease {
  claim: Claim
  leaseMs: number
  /** For how long a store that does not answer is waited for, beyond the lease too. */
  silenceMs: number
}

/**
 * Keeps a claim while its reply is written: renews it at a third of its time and halts the writing
 * when it is lost or a stop was asked for. While the store is away nobody can have claimed, so the
 * end of the lease alone loses nothing: the store's compare-and-set decides once it is back. A
 * worker that is cut off alone must not write for ever, so silence has a bound.
 */
export class ReplyLease {
  readonly #deps: LeaseDeps
  readonly #halt: Halt
  readonly #held: HeldLease
  readonly #lost = new AbortController()
  #claim: Claim
  #ended = false
  /** Moves when the epoch does: an answer to a renewal of the epoch before says nothing. */
  #generation = 0
  /** When the store was last asked for something that it answered. */
  #heardAt = performance.now()
  #renewal: NodeJS.Timeout | undefined

  constructor(deps: LeaseDeps, halt: Halt, held: HeldLease) {
    this.#deps = deps
    this.#halt = halt
    this.#held = held
    this.#claim = held.claim
    this.#scheduleRenewal(held.leaseMs / 3)
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
    const askedAt = performance.now()
    const claim = await this.#deps.replies.raiseEpoch(this.#claim, this.#held.leaseMs)
    this.#generation++
    if (!claim) this.lose()
    if (!claim || this.#ended) return false
    this.#claim = claim
    this.#heardAt = askedAt
    return true
  }

  /** Takes it for lost, however that was noticed: another attempt owns the reply. Idempotent. */
  lose(): void {
    if (this.#ended) return
    this.end()
    this.#deps.onLost()
    this.#lost.abort(new Error('the claim is lost'))
    this.#halt.raise('lost')
  }

  /** Ends the renewal, before the claim is given back or forgotten. Idempotent. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#renewal)
  }

  #scheduleRenewal(inMs: number): void {
    if (this.#ended) return
    this.#renewal = setTimeout(() => void this.#renew(), inMs)
  }

  async #renew(): Promise<void> {
    const generation = this.#generation
    const askedAt = performance.now()
    const state = await this.#askStore()
    if (this.#ended) return
    if (state && generation === this.#generation) this.#onRenewed(state, askedAt)
    if (performance.now() - this.#heardAt >= this.#held.silenceMs) this.lose()
    // Soon after a failure: once the store is back, the lease has to be the first to say so.
    this.#scheduleRenewal(this.#held.leaseMs / (state ? 3 : 10))
  }

  /** Undefined where the store is away. */
  async #askStore(): Promise<ClaimState | undefined> {
    try {
      return await this.#deps.replies.renew(this.#claim, this.#held.leaseMs)
    } catch {
      return undefined
    }
  }

  #onRenewed(state: ClaimState, askedAt: number): void {
    this.#heardAt = askedAt
    if (state === 'stop-requested') this.#halt.raise('stop')
    if (state === 'lost') this.lose()
  }
}
