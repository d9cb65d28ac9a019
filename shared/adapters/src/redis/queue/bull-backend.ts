import { QueueKeys, RedisConnection, RedisQueueBackend, type QueueOptions } from 'bullmq'
import type { RedisClient } from '../client/connection.ts'

export const QUEUE_NAME = 'jobs'

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
  return new RedisQueueBackend(
    connect(clients.main, { skipWaitingForReady: true }),
    name,
    keys.getKeys(name),
    (type) => keys.toKey(name, type),
    options,
    clients.blocking && connect(clients.blocking, { blocking: true }),
  )
}

function connect(
  client: RedisClient,
  options: { blocking?: boolean; skipWaitingForReady?: boolean },
): RedisConnection {
  const connection = new RedisConnection(client, {
    shared: true,
    blocking: false,
    // It prints to the console, and would take what Redis was at this one moment.
    skipVersionCheck: true,
    ...options,
  })
  // Without the check BullMQ assumes a Redis before 6, whose blocking reads wait whole seconds.
  void connection.client.then(
    () => (connection.capabilities.canDoubleTimeout = true),
    () => undefined,
  )
  return connection
}
