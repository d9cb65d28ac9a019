import type { RateDecision, RateRule } from '@chatbox/core'
import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible'

/** The library counts windows in whole seconds in Redis, so a rule means that everywhere. */
export function windowSeconds(rule: RateRule): number {
  return Math.max(1, Math.ceil(rule.durationMs / 1000))
}

/** A window's count is forgotten when the window ends: that bounds the memory. */
export function createMemoryLimit(rule: RateRule): RateLimiterMemory {
  return new RateLimiterMemory({
    keyPrefix: rule.name,
    points: rule.points,
    duration: windowSeconds(rule),
  })
}

/** Rejects only when the limit could not be read. */
export async function takeFrom(
  limit: Pick<RateLimiterAbstract, 'consume'>,
  key: string,
): Promise<RateDecision> {
  try {
    await limit.consume(key)
    return { allowed: true }
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    return { allowed: false, retryAfterMs: Math.max(1, refused.msBeforeNext) }
  }
}

interface RuleBook<T> {
  find(rule: RateRule): T
}

const MAX_RULES = 200

/** One limiter a rule, made when the rule is first used. */
export function createRuleBook<T>(create: (rule: RateRule) => T): RuleBook<T> {
  const made = new Map<string, T>()
  const byRule = new WeakMap<RateRule, T>()
  const findOrMake = (rule: RateRule): T => {
    const key = `${rule.name}/${rule.points}/${rule.durationMs}/${rule.batch ?? 1}`
    const known = made.get(key)
    if (known !== undefined) return known
    // Rules come from settings: more than this is a rule made from input.
    if (made.size >= MAX_RULES) throw new Error('too many different rate rules')
    const limit = create(rule)
    made.set(key, limit)
    return limit
  }
  return {
    find(rule) {
      const known = byRule.get(rule)
      if (known !== undefined) return known
      const limit = findOrMake(rule)
      byRule.set(rule, limit)
      return limit
    },
  }
}
