import { QueueKeys, RedisConnection, RedisQueueBackend, type QueueOptions } from 'bullmq'
import type { RedisClient } from './connection.ts'

/**
 * BullMQ on clients of ours: left to itself it would copy one client's options for both its
 * commands and its blocking read, which must fail in different ways.
 */
export function createBullBackend(
  name: string,
  options: Pick<QueueOptions, 'connection' | 'prefix'>,
  clients: { main: RedisClient; blocking?: RedisClient },
): RedisQueueBackend {
  const { prefix } = options
  const keys = new QueueKeys(prefix)
  const main = new RedisConnection(clients.main, {
    shared: true,
    blocking: false,
    // Both would need Redis to be there at this moment, and the check prints to the console.
    skipVersionCheck: true,
    skipWaitingForReady: true,
  })
  const blocking =
    clients.blocking && new RedisConnection(clients.blocking, { shared: true, blocking: true })
  return new RedisQueueBackend(
    main,
    name,
    keys.getKeys(name),
    (type) => keys.toKey(name, type),
    options,
    blocking,
  )
}
