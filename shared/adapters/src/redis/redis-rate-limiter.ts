import type { RateLimiter } from '@chatbox/core'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { createMemoryLimit, oncePerRule, windowSeconds } from '../memory/memory-rate-limiter.ts'
import { createScript, runScript } from './client/connection.ts'
import type { RedisContext } from './client/context.ts'
import { LeasedLimit, type Grant } from './leased-limit.ts'

const COMMAND_TIMEOUT_MS = 250

/** Counts windows in Redis. If that fails, this process counts for itself under the same rule. */
export function createRedisRateLimiter({ commands, guard, keys }: RedisContext): RateLimiter {
  // The library waits for its client without a limit. It calls only `eval` on a node-redis client,
  // so this object acts as one. An error of the guard then goes to the library's insurance limiter.
  const storeClient = {
    eval: (lua: string, input: { keys: string[]; arguments: string[] }) =>
      guard(COMMAND_TIMEOUT_MS, () =>
        runScript(commands, createScript(lua), { keys: input.keys, args: input.arguments }),
      ),
  }
  const limitOf = oncePerRule((rule) => {
    const limit = new RateLimiterRedis({
      storeClient,
      useRedisPackage: true,
      keyPrefix: `${keys.ratePrefix}:${rule.name}`,
      points: rule.points,
      duration: windowSeconds(rule),
      insuranceLimiter: createMemoryLimit(rule),
    })
    return new LeasedLimit({
      batch: rule.batch ?? 1,
      askShared: (key, batch) => askFor(limit, keys.counted(key), batch),
    })
  })
  return { take: (rule, key, points) => limitOf(rule).take(key, points) }
}

async function askFor(limit: RateLimiterRedis, digest: string, batch: number): Promise<Grant> {
  const { consumedPoints, msBeforeNext } = await consume(limit, digest, batch)
  // A batch that is too large is counted too. Then only what was left is given.
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
