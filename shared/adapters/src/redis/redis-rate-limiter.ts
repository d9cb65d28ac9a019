import type { RateDecision, RateLimiter, RateRule } from '@chatbox/core'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { createMemoryLimit, createRuleBook, takeFrom, windowSeconds } from '../common/rate-rules.ts'
import type { RedisClient } from './connection.ts'
import type { Guard } from './guard.ts'
import type { RedisKeys } from './keys.ts'

const COMMAND_TIMEOUT_MS = 250

/** Windows counted in Redis; whenever that fails, this process counts the same rule for itself. */
export function createRedisRateLimiter(
  client: RedisClient,
  guard: Guard,
  keys: RedisKeys,
): RateLimiter {
  const rules = createRuleBook((rule) => ({
    shared: createRedisLimit(client, rule, keys),
    own: createMemoryLimit(rule),
  }))

  async function take(rule: RateRule, key: string): Promise<RateDecision> {
    const { shared, own } = rules.find(rule)
    const digest = keys.rateKey(key)
    try {
      return await guard(COMMAND_TIMEOUT_MS, () => takeFrom(shared, digest))
    } catch {
      return takeFrom(own, digest)
    }
  }

  return {
    take,
    async close() {
      // The connection is its owner's to close.
    },
  }
}

function createRedisLimit(client: RedisClient, rule: RateRule, keys: RedisKeys): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: client,
    keyPrefix: `${keys.ratePrefix}:${rule.name}`,
    points: rule.points,
    duration: windowSeconds(rule),
  })
}
