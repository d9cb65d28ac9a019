import { PRESENCE_TTL_MS, type Presence } from '@chatbox/core'
import { MemoryPresence } from '../memory/memory-presence.ts'
import { createScript, runScript, type Script } from './client/connection.ts'
import type { RedisContext } from './client/context.ts'

const COMMAND_TIMEOUT_MS = 300
const REFRESH_TIMEOUT_MS = 1000
/** How many users to renew at once: enough to fill a round trip, too few to fill a buffer. */
const BATCH = 200

/** Expiry uses Redis's clock only, because the clocks of two gateways may differ. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** ARGV: time to live, connection ids. Returns the current number. */
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

/**
 * Keeps a sorted set of connection ids per user, ordered by expiry. Without Redis, counts only the
 * connections to this process.
 */
export class RedisPresence implements Presence {
  readonly #redis: RedisContext
  readonly #own = new MemoryPresence()

  constructor(redis: RedisContext) {
    this.#redis = redis
  }

  async join(userId: string, connectionId: string): Promise<number> {
    await this.#own.join(userId, connectionId)
    return this.#redis
      .guard(COMMAND_TIMEOUT_MS, () => this.#hold(userId, [connectionId]))
      .catch(() => this.#own.count(userId))
  }

  async leave(userId: string, connectionId: string): Promise<void> {
    await this.#own.leave(userId, connectionId)
    const { commands, keys } = this.#redis
    // An entry that cannot be removed now expires.
    await this.#redis
      .guard(COMMAND_TIMEOUT_MS, () => commands.zrem(keys.presence(userId), connectionId))
      .catch(() => undefined)
  }

  async refresh(): Promise<void> {
    const entries = this.#own.entries()
    for (let from = 0; from < entries.length; from += BATCH) {
      const batch = entries.slice(from, from + BATCH)
      try {
        await this.#redis.guard(REFRESH_TIMEOUT_MS, () =>
          Promise.all(batch.map(([userId, ids]) => this.#hold(userId, ids))),
        )
      } catch {
        // The next refresh comes in time. If Redis is down, the other batches would fail too.
        return
      }
    }
  }

  count(userId: string): Promise<number> {
    return this.#redis
      .guard(COMMAND_TIMEOUT_MS, () => this.#run(COUNT, userId))
      .catch(() => this.#own.count(userId))
  }

  #hold(userId: string, connectionIds: readonly string[]): Promise<number> {
    return this.#run(HOLD, userId, [PRESENCE_TTL_MS, ...connectionIds])
  }

  async #run(script: Script, userId: string, args: (string | number)[] = []): Promise<number> {
    const { commands, keys } = this.#redis
    return Number(await runScript(commands, script, { keys: [keys.presence(userId)], args }))
  }
}
