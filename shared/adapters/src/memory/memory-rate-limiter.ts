import type { RateLimiter, RateRule } from '@chatbox/core'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

export function createMemoryRateLimiter(): RateLimiter {
  const limitOf = oncePerRule(createMemoryLimit)
  return {
    async take(rule, key, points = 1) {
      try {
        await limitOf(rule).consume(key, points)
        return { allowed: true }
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        return { allowed: false, retryAfterMs: Math.max(1, refused.msBeforeNext) }
      }
    },
  }
}

/** Forgets a window's count when the window ends, which limits the memory. */
export function createMemoryLimit(rule: RateRule): RateLimiterMemory {
  return new RateLimiterMemory({
    keyPrefix: rule.name,
    points: rule.points,
    duration: windowSeconds(rule),
  })
}

/** In Redis the library counts windows in whole seconds, so every limiter rounds them up. */
export function windowSeconds(rule: RateRule): number {
  return Math.max(1, Math.ceil(rule.durationMs / 1000))
}

const MAX_RULES = 200

/** Returns a function that creates one limit for all equal rules, on first use. */
export function oncePerRule<T>(create: (rule: RateRule) => T): (rule: RateRule) => T {
  const limits = new Map<string, T>()
  // Almost every rule is the same object each time.
  const seen = new WeakMap<RateRule, T>()
  return function limitOf(rule) {
    const known = seen.get(rule)
    if (known !== undefined) return known
    const limit = findOrCreate(rule)
    seen.set(rule, limit)
    return limit
  }

  function findOrCreate(rule: RateRule): T {
    const key = `${rule.name}/${rule.points}/${rule.durationMs}/${rule.batch ?? 1}`
    const known = limits.get(key)
    if (known !== undefined) return known
    // Rules come from settings. A larger number means that a rule is made from user input.
    if (limits.size >= MAX_RULES) throw new Error('too many different rate rules')
    const limit = create(rule)
    limits.set(key, limit)
    return limit
  }
}
