import { AppError, PRESENCE_TTL_MS, type Presence } from '@chatbox/core'
import { createOwnConnections } from '../common/own-connections.ts'
import type { RedisClient } from './client/connection.ts'
import type { Guard } from './client/guard.ts'
import type { RedisKeys } from './client/keys.ts'
import { createScript, runScript } from './client/script.ts'

const COMMAND_TIMEOUT_MS = 300
const REFRESH_TIMEOUT_MS = 1000
/** Users that are renewed at once: enough to fill a round trip, too few to fill a buffer. */
const BATCH = 200

/** Expiry is judged by Redis's clock alone: those of two gateways may differ. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** ARGV: time to live, connection ids. Answers how many there are now. */
const HOLD = createScript(`${NOW}
local ttl = tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ttl, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ttl)
return redis.call('ZCARD', KEYS[1])
`)

const COUNT = createScript(`${NOW}
return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')
`)

/** A sorted set of connection ids a user, by expiry. */
export function createRedisPresence(client: RedisClient, guard: Guard, keys: RedisKeys): Presence {
  const own = createOwnConnections()

  async function hold(userId: string, connectionIds: string[]): Promise<number> {
    const held = await runScript(client, HOLD, {
      keys: [keys.presence(userId)],
      args: [PRESENCE_TTL_MS, ...connectionIds],
    })
    return Number(held)
  }

  return {
    async join(userId, connectionId) {
      if (!own.add(userId, connectionId)) {
        throw new AppError('CONNECTION_LIMIT', 'This server has no room for another connection.')
      }
      try {
        return await guard(COMMAND_TIMEOUT_MS, () => hold(userId, [connectionId]))
      } catch {
        return own.count(userId)
      }
    },
    async leave(userId, connectionId) {
      own.remove(userId, connectionId)
      // What cannot be removed now expires.
      await guard(COMMAND_TIMEOUT_MS, () => client.zrem(keys.presence(userId), connectionId)).catch(
        () => undefined,
      )
    },
    async refresh() {
      const entries = own.entries()
      for (let from = 0; from < entries.length; from += BATCH) {
        const batch = entries.slice(from, from + BATCH)
        try {
          await guard(REFRESH_TIMEOUT_MS, () =>
            Promise.all(batch.map(([userId, ids]) => hold(userId, ids))),
          )
        } catch {
          // The next refresh comes in time; without Redis the other batches would fail too.
          return
        }
      }
    },
    async count(userId) {
      try {
        return await guard(COMMAND_TIMEOUT_MS, async () =>
          Number(await runScript(client, COUNT, { keys: [keys.presence(userId)], args: [] })),
        )
      } catch {
        return own.count(userId)
      }
    },
    close: async () => own.clear(),
  }
}
