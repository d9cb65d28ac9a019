import type { RateDecision, RateLimiter, RateRule } from '@chatbox/core'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { LeasedLimit, type Grant } from '../common/leased-limit.ts'
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
  const rules = createRuleBook((rule) => {
    const counted = createRedisLimit(client, rule, keys)
    const shared = new LeasedLimit({
      batch: rule.batch ?? 1,
      askShared: (key, batch) =>
        guard(COMMAND_TIMEOUT_MS, () => askFor(counted, keys.rateKey(key), batch)),
    })
    return { shared, own: createMemoryLimit(rule) }
  })

  async function take(rule: RateRule, key: string): Promise<RateDecision> {
    const { shared, own } = rules.find(rule)
    try {
      return await shared.take(key)
    } catch {
      return takeFrom(own, keys.rateKey(key))
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

/** Rejects only when the count could not be read. */
async function askFor(limit: RateLimiterRedis, digest: string, batch: number): Promise<Grant> {
  const { consumedPoints, msBeforeNext } = await consume(limit, digest, batch)
  // Redis counts a batch that is too large as well: what was left before it is given.
  const left = limit.points - (consumedPoints - batch)
  return { points: Math.max(0, Math.min(batch, left)), endsInMs: msBeforeNext }
}

async function consume(
  limit: RateLimiterRedis,
  digest: string,
  batch: number,
): Promise<RateLimiterRes> {
  try {
    return await limit.consume(digest, batch)
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return refused
    throw refused
  }
}
