import type { AdapterHooks, EventBus, JobQueue, Presence, RateLimiter } from '@chatbox/core'
import { backoffMs } from '@chatbox/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cipher } from '../sealed/key-ring.ts'
import { parseRedisAddress, type RedisAddress } from './client/address.ts'
import { BullJobQueue } from './queue/bull-job-queue.ts'
import type { StallRules } from './queue/bull-worker.ts'
import { closeClient, openClient, type RedisClient } from './client/connection.ts'
import { createGuard } from './client/guard.ts'
import { createKeys, DEFAULT_KEY_PREFIX } from './client/keys.ts'
import { RedisEventBus } from './bus/redis-event-bus.ts'
import { createRedisPresence } from './redis-presence.ts'
import { createRedisRateLimiter } from './redis-rate-limiter.ts'
import { Republisher } from './bus/republisher.ts'
import { createReporter } from '../common/report.ts'
import { openSocketAdapter, type SocketAdapter } from './bus/socket-adapter.ts'

export interface RedisOptions {
  redisUrl: string
  keyPrefix?: string
  stallRules?: StallRules | undefined
  /** Ends the waiting for a Redis that is away: nobody needs it any more. */
  signal?: AbortSignal
}

const REPUBLISH_TIMEOUT_MS = 500

/** Everything that runs on Redis, over three connections; two more when jobs are consumed. */
export interface RedisParts {
  queue: JobQueue
  bus: EventBus
  limiter: RateLimiter
  presence: Presence
  socketAdapter: SocketAdapter
  ping(): Promise<void>
  /** In reverse order of opening, within about the queue's time of grace. Idempotent. */
  close(): Promise<void>
}

/**
 * Resolves once Redis answers, however long that takes; what keeps it from answering is reported in
 * one line from time to time. Throws for an address that is none, and when it is given up.
 */
export async function openRedis(
  options: RedisOptions,
  cipher: Cipher,
  hooks: AdapterHooks,
): Promise<RedisParts> {
  const address = readAddress(options.redisUrl)
  const report = createReporter(hooks, 'redis')
  const commands = openClient(address, 'commands', report)
  await waitUntilAnswers(commands, report, options.signal).catch(async (error: unknown) => {
    await closeClient(commands)
    throw error
  })
  await checkEvictionPolicy(commands, report)

  const guard = createGuard(() => commands.ping())
  const keys = createKeys(options.keyPrefix ?? DEFAULT_KEY_PREFIX)
  const subscriber = openClient(address, 'subscriptions', report)
  const republisher = new Republisher((channel, text) =>
    guard(REPUBLISH_TIMEOUT_MS, () => commands.publish(channel, text)),
  )
  const bus = new RedisEventBus({
    ...{ commands, subscriber, guard, republisher, keys, cipher, hooks },
  })
  const sockets = openSocketAdapter({
    commands,
    subscriber: openClient(address, 'subscriptions', report),
    channelPrefix: keys.socketChannels,
    republisher,
    hooks,
    onGap: () => bus.tellOfGap(),
  })
  const queue = new BullJobQueue({
    commands,
    guard,
    keys,
    hooks,
    open: (purpose) => openClient(address, purpose, report),
    report: createReporter(hooks, 'queue'),
    stallRules: options.stallRules,
  })
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    await queue.close()
    republisher.stop()
    await sockets.close()
    await bus.close()
    await closeClient(commands)
  }

  return {
    queue,
    bus,
    limiter: createRedisRateLimiter(commands, guard, keys),
    presence: createRedisPresence(commands, guard, keys),
    socketAdapter: sockets.create,
    ping: () => bus.ping(),
    close: () => (closed ??= close()),
  }
}

function readAddress(url: string): RedisAddress {
  try {
    return parseRedisAddress(url)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'is not an address'
    throw new Error(`REDIS_URL ${reason}`, { cause })
  }
}

const WAIT = { baseMs: 100, maxMs: 2000 }

async function waitUntilAnswers(
  client: RedisClient,
  report: (error: unknown) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.ping()
      return
    } catch (error) {
      // The connection has reported why; a client that is only about to connect has no reason yet.
      if (attempt > 3) report(new Error('waiting for Redis to answer', { cause: error }))
      await sleep(backoffMs(attempt, WAIT, Math.random), undefined, signal ? { signal } : {})
    }
  }
}

/** Under any other policy a full Redis drops jobs without a word. */
async function checkEvictionPolicy(
  client: RedisClient,
  report: (error: unknown) => void,
): Promise<void> {
  const memory = await client.info('memory').catch(() => '')
  const policy = /^maxmemory_policy:(.*)$/m.exec(memory)?.[1]?.trim()
  if (policy !== undefined && policy !== 'noeviction') {
    report(new Error(`maxmemory-policy is ${policy} and should be noeviction: jobs may be lost`))
  }
}
