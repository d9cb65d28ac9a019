import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs, toAppError, type Claim, type ClaimState, type ReplyClaims } from '@chatbox/core'
import type { Context } from '../context.ts'
import type { RunningReply } from './running-replies.ts'

export interface LeaseOptions {
  replies: Pick<ReplyClaims, 'renew' | 'raiseEpoch'>
  claim: Claim
  leaseMs: number
  /** For how long a store that does not answer is waited for, beyond the lease too. */
  silenceMs: number
  onLost(): void
}

/**
 * Keeps a claim while its reply is written: renews it at a third of its time and aborts the reply
 * when it is lost or a stop was asked for. While the store is away nobody can have claimed, so the
 * end of the lease alone loses nothing: the store's compare-and-set decides once it is back. A
 * worker that is cut off alone must not write for ever, so silence has a bound.
 */
export class ReplyLease {
  readonly #reply: RunningReply
  readonly #options: LeaseOptions
  readonly #lost = new AbortController()
  #claim: Claim
  #ended = false
  /** Moves when the epoch does: an answer to a renewal of the epoch before says nothing. */
  #generation = 0
  /** When the store was last asked for something that it answered. */
  #heardAt = performance.now()
  #renewal: NodeJS.Timeout | undefined

  constructor(reply: RunningReply, options: LeaseOptions) {
    this.#reply = reply
    this.#options = options
    this.#claim = options.claim
    this.#scheduleRenewal(options.leaseMs / 3)
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
    const claim = await this.#options.replies.raiseEpoch(this.#claim, this.#options.leaseMs)
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
    this.#options.onLost()
    this.#lost.abort(new Error('the claim is lost'))
    this.#reply.abort('lost')
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
    const { leaseMs, silenceMs } = this.#options
    const generation = this.#generation
    const askedAt = performance.now()
    const state = await this.#askStore()
    if (this.#ended) return
    if (state && generation === this.#generation) this.#onRenewed(state, askedAt)
    if (performance.now() - this.#heardAt >= silenceMs) this.lose()
    // Soon after a failure: once the store is back, the lease has to be the first to say so.
    this.#scheduleRenewal(leaseMs / (state ? 3 : 10))
  }

  /** Undefined where the store is away. */
  async #askStore(): Promise<ClaimState | undefined> {
    try {
      return await this.#options.replies.renew(this.#claim, this.#options.leaseMs)
    } catch {
      return undefined
    }
  }

  #onRenewed(state: ClaimState, askedAt: number): void {
    this.#heardAt = askedAt
    if (state === 'stop-requested') this.#reply.abort('stop')
    if (state === 'lost') this.lose()
  }
}

/**
 * Tries a write again for as long as the store is away: a finished text is worth more than a quick
 * failure. Rejects as the last try did once `giveUp` aborts.
 */
export async function whileAway<T>(
  { clock, timing }: Context,
  giveUp: AbortSignal,
  write: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await write()
    } catch (thrown) {
      if (toAppError(thrown).code !== 'UNAVAILABLE' || giveUp.aborted) throw thrown
      const pauseMs = backoffMs(tries, timing.storeBackoff, () => clock.random())
      await sleep(pauseMs, undefined, { signal: giveUp }).catch(() => undefined)
    }
  }
}
