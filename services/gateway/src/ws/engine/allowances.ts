import type { GatewayOptions } from '../../context.ts'
import { Bucket, type BucketRule } from '../../edge/bucket.ts'
import { CALLS_PER_MESSAGE } from '../../edge/rate-guard.ts'

/** What may be sent, whatever it is. */
export interface InboundRules {
  frames: BucketRule
  bytes: BucketRule
}

/** A user may send this much, however low the rate limit of messages is. */
const LEAST_FRAMES = 1000
const LEAST_BYTES = 4 * 1024 * 1024
const MINUTE_S = 60
/** Refusals by rate that a user survives. A page that is far too eager causes a few dozen. */
export const REFUSALS: BucketRule = { capacity: 200, perSecond: 1 }
/**
 * The frames of a connection that has not said who it is. Its one packet has the token. A new
 * connection gets them anew, because connections of an address are counted themselves.
 */
export const EARLY_FRAMES = 16
/** For each connection that a process may have, so many users are remembered. */
const REMEMBERED_PER_CONNECTION = 2

type InboundLimits = Pick<GatewayOptions['limits'], 'rateLimit' | 'maxMessageBytes'>

/**
 * Returns more than anyone needs who keeps to the limits per user. Of all calls of a minute, a user
 * may send those of two minutes at once, because a window may end between them. The bytes are those
 * of a minute's messages, each of the greatest length.
 */
export function toInboundRules({ rateLimit, maxMessageBytes }: InboundLimits): InboundRules {
  const frames = Math.max(LEAST_FRAMES, rateLimit * CALLS_PER_MESSAGE)
  const bytes = Math.max(LEAST_BYTES, rateLimit * maxMessageBytes)
  return {
    frames: { capacity: 2 * frames, perSecond: frames / MINUTE_S },
    bytes: { capacity: bytes, perSecond: bytes / MINUTE_S },
  }
}

/** What a connection has left to send. */
export interface Allowance {
  frames: Bucket
  bytes: Bucket
}

/** Returns what a connection may send before its handshake. Nothing of it comes back. */
export function createEarlyAllowance({
  maxMessageBytes,
}: Pick<InboundLimits, 'maxMessageBytes'>): Allowance {
  const once = (capacity: number) => new Bucket({ capacity, perSecond: 0 }, 0)
  return { frames: once(EARLY_FRAMES), bytes: once(maxMessageBytes) }
}

/** What a user has left on this process, for all of their connections together. */
export class UserAllowance implements Allowance {
  readonly frames: Bucket
  readonly bytes: Bucket
  /** Created by the first refusal by rate, because honest clients have none. */
  #refusals: Bucket | undefined

  constructor({ frames, bytes }: InboundRules, now: number) {
    this.frames = new Bucket(frames, now)
    this.bytes = new Bucket(bytes, now)
  }

  /** Returns false if the user has been refused too often. */
  takeRefusal(now: number): boolean {
    this.#refusals ??= new Bucket(REFUSALS, now)
    return this.#refusals.take(1, now)
  }
}

/**
 * The allowances of the users of this process. They outlive connections, because a flood could else
 * begin again by connecting again. Bounded: the user who connected longest ago is forgotten.
 */
export class Allowances {
  readonly #rules: InboundRules
  readonly #most: number
  readonly #byUser = new Map<string, UserAllowance>()

  constructor(limits: InboundLimits & Pick<GatewayOptions['limits'], 'maxConnections'>) {
    this.#rules = toInboundRules(limits)
    this.#most = REMEMBERED_PER_CONNECTION * limits.maxConnections
  }

  /** Returns what `userId` has left. A user who is not known has everything. */
  of(userId: string, now: number): UserAllowance {
    const allowance = this.#byUser.get(userId) ?? new UserAllowance(this.#rules, now)
    this.#byUser.delete(userId)
    this.#byUser.set(userId, allowance)
    const [oldest] = this.#byUser.keys()
    if (this.#byUser.size > this.#most && oldest !== undefined) this.#byUser.delete(oldest)
    return allowance
  }
}
