import type { RateLimiter, RateRule } from '@chatbox/core'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

export function createMemoryRateLimiter(): RateLimiter {
  const limitOf = oncePerRule(createMemoryLimit)
  return {
    async take(rule, key) {
      try {
        await limitOf(rule).consume(key)
        return { allowed: true }
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        return { allowed: false, retryAfterMs: Math.max(1, refused.msBeforeNext) }
      }
    },
  }
}

/** A window's count is forgotten when the window ends: that bounds the memory. */
export function createMemoryLimit(rule: RateRule): RateLimiterMemory {
  return new RateLimiterMemory({
    keyPrefix: rule.name,
    points: rule.points,
    duration: windowSeconds(rule),
  })
}

/** The library counts windows in whole seconds in Redis, so a rule means that everywhere. */
export function windowSeconds(rule: RateRule): number {
  return Math.max(1, Math.ceil(rule.durationMs / 1000))
}

const MAX_RULES = 200

/** Answers one limit for all rules that say the same, made when the first of them is used. */
export function oncePerRule<T>(create: (rule: RateRule) => T): (rule: RateRule) => T {
  const limits = new Map<string, T>()
  return function limitOf(rule) {
    const key = `${rule.name}/${rule.points}/${rule.durationMs}/${rule.batch ?? 1}`
    const known = limits.get(key)
    if (known !== undefined) return known
    // Rules come from settings: more than this is a rule made from input.
    if (limits.size >= MAX_RULES) throw new Error('too many different rate rules')
    const limit = create(rule)
    limits.set(key, limit)
    return limit
  }
}
