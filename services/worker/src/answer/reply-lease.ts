import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs, toAppError, type Claim, type ClaimState, type ReplyClaims } from '@chatbox/core'
import type { Context } from '../context.ts'
import type { RunningReply } from './running-replies.ts'

export interface LeaseOptions {
  replies: Pick<ReplyClaims, 'renew' | 'raiseEpoch'>
  claim: Claim
  leaseMs: number
  /** How long to wait for a store that does not answer, even beyond the lease. */
  silenceMs: number
  onLost(): void
}

/**
 * Keeps a claim while its reply is written. Renews it after a third of the lease, and aborts the
 * reply when the claim is lost or a stop was requested. The end of the lease alone loses nothing:
 * nobody else can claim while the store is down, and the store's compare-and-set decides when it is
 * back. After `silenceMs` without the store the claim counts as lost, because an isolated worker
 * must not write for ever.
 */
export class ReplyLease {
  readonly #reply: RunningReply
  readonly #options: LeaseOptions
  readonly #lost = new AbortController()
  #claim: Claim
  #ended = false
  /** Changes with the epoch: the result of a renewal with an older epoch is ignored. */
  #generation = 0
  /** When the last request that the store answered was sent. */
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

  /** Aborts when the claim is lost. A stop or a shutdown keeps the claim. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Begins another attempt. Returns false if the claim is lost. Rejects if the store does. */
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

  /** Marks the claim as lost because another attempt owns the reply. Idempotent. */
  lose(): void {
    if (this.#ended) return
    this.end()
    this.#options.onLost()
    this.#lost.abort(new Error('the claim is lost'))
    this.#reply.abort('lost')
  }

  /** Ends the renewal before the claim is released or dropped. Idempotent. */
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
    // Soon after a failure, because this lease must be the first to reach the returning store.
    this.#scheduleRenewal(leaseMs / (state ? 3 : 10))
  }

  /** Returns undefined if the store is down. */
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
 * Begins another attempt at a reply, also if the store is down at first. Returns false as soon as
 * the reply is aborted: it ends with what there is. Rejects with the store's error otherwise.
 */
export async function raiseEpoch(
  context: Context,
  { lease, reply }: { lease: ReplyLease; reply: RunningReply },
): Promise<boolean> {
  try {
    return !reply.abortReason() && (await whileAway(context, reply.signal, () => lease.raise()))
  } catch (thrown) {
    if (reply.abortReason()) return false
    throw thrown
  }
}

/**
 * Retries a write while the store is down, because a finished text is worth more than a quick
 * failure. Rejects with the last error once `giveUp` aborts.
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
