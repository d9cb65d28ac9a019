import type {
  AdapterHooks,
  EventBus,
  JobQueue,
  Ledger,
  Presence,
  QueueInspector,
  RateLimiter,
} from '@chatbox/core'
import { closeInReverse } from '../common/close-in-reverse.ts'
import { RedisEventBus } from './bus/redis-event-bus.ts'
import { Republisher } from './bus/republisher.ts'
import { openSocketAdapter, type SocketAdapter } from './bus/socket-adapter.ts'
import { closeClient } from './client/connection.ts'
import { connectRedis, type RedisOptions, type RedisSecrets } from './client/context.ts'
import { BullJobQueue } from './queue/bull-job-queue.ts'
import { BullQueueInspector } from './queue/bull-queue-inspector.ts'
import type { StallRules } from './queue/bull-worker.ts'
import { RedisLedger } from './redis-ledger.ts'
import { RedisPresence } from './redis-presence.ts'
import { createRedisRateLimiter } from './redis-rate-limiter.ts'

const COMMAND_TIMEOUT_MS = 500

/** All parts that use Redis. They share three connections, or five if jobs are consumed. */
export interface RedisParts {
  queue: JobQueue
  queueInspectors: readonly QueueInspector[]
  bus: EventBus
  limiter: RateLimiter
  presence: Presence
  ledger: Ledger
  socketAdapter: SocketAdapter
  /** Rejects if Redis is down. */
  ping(): Promise<void>
  /**
   * Closes the parts in reverse order of opening. Takes about the grace time of the queue.
   * Idempotent.
   */
  close(): Promise<void>
}

/** Waits for Redis as `connectRedis` does. */
export async function openRedis(
  options: RedisOptions & { stallRules?: StallRules | undefined },
  secrets: RedisSecrets,
  hooks: AdapterHooks,
): Promise<RedisParts> {
  const redis = await connectRedis(options, secrets, hooks)
  const { commands, guard } = redis
  const republisher = new Republisher((channel, text) =>
    guard(COMMAND_TIMEOUT_MS, () => commands.publish(channel, text)),
  )
  const bus = new RedisEventBus(redis, republisher)
  const sockets = openSocketAdapter(redis, republisher, () => bus.tellOfGap())
  const queue = new BullJobQueue(redis, options.stallRules)
  const connection = { close: () => closeClient(commands) }
  return {
    queue,
    queueInspectors: [new BullQueueInspector(redis, queue)],
    bus,
    limiter: createRedisRateLimiter(redis),
    presence: new RedisPresence(redis),
    ledger: new RedisLedger(redis),
    socketAdapter: sockets.create,
    async ping() {
      await guard(COMMAND_TIMEOUT_MS, () => commands.ping())
    },
    close: closeInReverse(hooks, [connection, bus, sockets, republisher, queue]),
  }
}
