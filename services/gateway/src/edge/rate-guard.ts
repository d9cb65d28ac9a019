import type { AddressCost, Cost } from '@chatbox/contract'
import { AppError, type RateLimiter, type RateRule } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'

/** The calls that a user may make per allowed message. A page makes them by itself. */
const PER_MESSAGE: Record<Cost, number> = { message: 1, write: 2, read: 5, signal: 10 }
const MINUTE_MS = 60_000
/** The share of a minute in one batch. More would let tabs on other gateways run dry early. */
const BATCH_SHARE = 1 / 20
const MAX_BATCH = 25

type RuleName = Cost | AddressCost | 'handshake' | 'refused'

export interface RateGuard {
  /** Throws `TOO_MANY_REQUESTS` if `key` has used up the rule's points. */
  take(rule: RuleName, key: string): Promise<void>
}

/** Creates the limits that all gateways share. `rateLimit` is messages per user and minute. */
export function createRateGuard(
  rateLimit: number,
  { limiter, metrics }: { limiter: RateLimiter; metrics: Metrics },
): RateGuard {
  const rules = createRules(rateLimit)
  return {
    async take(rule, key) {
      const decision = await limiter.take(rules[rule], key)
      if (decision.allowed) return
      metrics.rateLimited(rule)
      throw tooManyRequests(decision.retryAfterMs)
    },
  }
}

function createRules(rateLimit: number): Record<RuleName, RateRule> {
  const rule = (name: RuleName, points: number): RateRule => ({
    name,
    points,
    durationMs: MINUTE_MS,
  })
  const perUser = (cost: Cost): RateRule => batched(rule(cost, rateLimit * PER_MESSAGE[cost]))
  return {
    message: perUser('message'),
    write: perUser('write'),
    read: perUser('read'),
    signal: perUser('signal'),
    handshake: rule('handshake', 120),
    // Counted by address, which many users may share.
    visitor: rule('visitor', 60),
    refused: rule('refused', 120),
    public: rule('public', 300),
  }
}

/** Batches a rule, because a round trip per typing signal would delay every message. */
function batched(rule: RateRule): RateRule {
  const batch = Math.max(1, Math.min(MAX_BATCH, Math.floor(rule.points * BATCH_SHARE)))
  return { ...rule, batch }
}

export function tooManyRequests(retryAfterMs: number): AppError {
  return new AppError('TOO_MANY_REQUESTS', 'Too many requests. Try again later.', {
    retryAfterMs,
  })
}
