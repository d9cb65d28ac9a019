import type { AddressCost, Cost } from '@chatbox/contract'
import { AppError, type RateLimiter, type RateRule } from '@chatbox/core'
import type { Metrics, Settings } from '@chatbox/kit'
import { isVisitorId } from '../auth/visitor-tokens.ts'

/** The calls that a user may make per allowed message. A page makes them by itself. */
const PER_MESSAGE: Record<Cost, number> = { message: 1, write: 2, read: 5, signal: 10 }
const MINUTE_MS = 60_000
/** The share of a minute in one batch. More would let tabs on other gateways run dry early. */
const BATCH_SHARE = 1 / 20
const MAX_BATCH = 25

type UserRules = Record<Cost, RateRule>
type OtherRule = AddressCost | 'newVisitor' | 'handshake' | 'refused'

type RateLimits = Pick<
  Settings['limits'],
  'rateLimit' | 'visitorRateLimit' | 'newVisitorsPerAddress'
>

export interface RateGuard {
  /**
   * Throws `TOO_MANY_REQUESTS` if `key` has used up the rule's points. For a cost, `key` is the
   * user's id, and visitors have rules of their own.
   */
  take(rule: Cost | OtherRule, key: string): Promise<void>
}

/** Creates the limits that all gateways share. */
export function createRateGuard(
  limits: RateLimits,
  { limiter, metrics }: { limiter: RateLimiter; metrics: Metrics },
): RateGuard {
  const others = createOtherRules(limits)
  const users = { ...others, ...createUserRules(limits.rateLimit) }
  const visitors = { ...others, ...createUserRules(limits.visitorRateLimit) }
  return {
    async take(rule, key) {
      const rules = isVisitorId(key) ? visitors : users
      const decision = await limiter.take(rules[rule], key)
      if (decision.allowed) return
      metrics.rateLimited(rule)
      throw tooManyRequests(decision.retryAfterMs)
    },
  }
}

function createRule(name: Cost | OtherRule, points: number): RateRule {
  return { name, points, durationMs: MINUTE_MS }
}

function createUserRules(rateLimit: number): UserRules {
  const perUser = (cost: Cost): RateRule => batched(createRule(cost, rateLimit * PER_MESSAGE[cost]))
  return {
    message: perUser('message'),
    write: perUser('write'),
    read: perUser('read'),
    signal: perUser('signal'),
  }
}

function createOtherRules({ newVisitorsPerAddress }: RateLimits): Record<OtherRule, RateRule> {
  const rule = createRule
  return {
    handshake: rule('handshake', 120),
    // Counted by address, which many users may share.
    visitor: rule('visitor', 60),
    newVisitor: rule('newVisitor', newVisitorsPerAddress),
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
