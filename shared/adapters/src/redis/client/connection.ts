import { createHash } from 'node:crypto'
import { backoffMs, settlesWithin } from '@chatbox/core'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress, RedisNode } from './address.ts'

export type RedisClient = Redis | Cluster

/**
 * The purpose of a connection, which decides how it fails:
 *
 * - `commands`: for requests. A command fails at once if Redis is down, and within a second if it is
 *   silent. No command is kept for later.
 * - `subscriptions`: as `commands`. The owner subscribes again after each reconnection, because the
 *   library does not handle the rejections of its own resubscriptions.
 * - `jobs`: a worker's own commands. They wait for Redis to come back, as BullMQ requires. The running
 *   jobs limit their number. If Redis fails just after a connection is made, the connection is silent
 *   from its first command on. Its timeout is then part of the time until jobs continue.
 * - `blocking`: a worker's blocking read, which may be silent for 10 s.
 */
export type Purpose = 'commands' | 'subscriptions' | 'jobs' | 'blocking'

type Options = Omit<RedisOptions, 'replyMapping'>

const OPTIONS: Record<Purpose, Options> = {
  commands: {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 1000,
    socketTimeout: 3000,
  },
  subscriptions: {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 2000,
    autoResubscribe: false,
  },
  jobs: { maxRetriesPerRequest: null, socketTimeout: 2500 },
  blocking: { maxRetriesPerRequest: null, socketTimeout: 15_000 },
}

const CONNECT_TIMEOUT_MS = 2000
const DISCONNECT_TIMEOUT_MS = 400
const RETRY = { baseMs: 50, maxMs: 1000 }
const QUIT_TIMEOUT_MS = 500

/** Opens a client that reconnects forever. It waits at most 1 s between tries, with jitter. */
export function openClient(
  address: RedisAddress,
  purpose: Purpose,
  onError: (error: unknown) => void,
): RedisClient {
  const client = createClient(address, purpose)
  client.on('error', onError)
  return client
}

function createClient(address: RedisAddress, purpose: Purpose): RedisClient {
  const { enableOfflineQueue = true, ...ofPurpose } = OPTIONS[purpose]
  const common = {
    ...address.access,
    ...ofPurpose,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    // After a failover the old primary may be a replica. A writer then finds the new primary.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    disableClientInfo: true,
  }
  const single = { ...common, enableOfflineQueue, retryStrategy: retryDelayMs }
  switch (address.kind) {
    case 'single':
      return new Redis({ ...single, ...address.node })
    case 'sentinel':
      return new Redis({
        ...single,
        sentinels: address.nodes,
        name: address.name,
        sentinelRetryStrategy: retryDelayMs,
        ...(address.access.tls
          ? { sentinelTLS: address.access.tls, enableTLSForSentinelMode: true }
          : {}),
      })
    case 'cluster':
      // Every node receives every channel. The library's own subscriber changes nodes without
      // notice, and nobody would repair that gap.
      if (purpose === 'subscriptions') return createRotating(address.nodes, single)
      return new Cluster(address.nodes, {
        redisOptions: common,
        enableOfflineQueue,
        clusterRetryStrategy: retryDelayMs,
        slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
      })
  }
}

/** Connects to the next node of a cluster each time, starting at a random one. */
function createRotating(nodes: RedisNode[], options: Options): Redis {
  let turn = Math.floor(Math.random() * nodes.length)
  const nextNode = (): RedisNode | undefined => nodes[turn++ % nodes.length]
  const client: Redis = new Redis({
    ...options,
    ...nextNode(),
    retryStrategy(attempt) {
      // Read again for each connection.
      Object.assign(client.options, nextNode())
      return retryDelayMs(attempt)
    },
  })
  return client
}

function retryDelayMs(attempt: number): number {
  return backoffMs(attempt, RETRY, Math.random)
}

/**
 * Sends all commands of one turn of the event loop in one write, because a system call costs more
 * than the rest of a small command. Each command keeps its own answer and its own failure.
 */
export function gatherWrites(client: RedisClient): void {
  // A cluster has a private connection to each node.
  if (client instanceof Cluster || client.status !== 'ready') return
  const { stream } = client
  if (stream.writableCorked > 0) return
  stream.cork()
  setImmediate(() => stream.uncork())
}

/** Closes a client in any state within about a second. Idempotent. */
export async function closeClient(client: RedisClient): Promise<void> {
  if (client.status === 'end') return
  const ended = new Promise((resolve) => client.once('end', resolve))
  // QUIT lets earlier commands arrive, but needs a working connection.
  if (client.status === 'ready') client.quit().catch(() => undefined)
  else disconnect(client)
  if (await settlesWithin(QUIT_TIMEOUT_MS, ended)) return
  disconnect(client)
  await settlesWithin(QUIT_TIMEOUT_MS, ended)
}

function disconnect(client: RedisClient): void {
  client.disconnect()
  // Between two tries this leaves a client neither connected nor closed. One last try closes it.
  if (client.status === 'reconnecting') client.connect().catch(() => undefined)
}

/** A Lua script, run by its digest. A restarted Redis gets the text again. */
export interface Script {
  lua: string
  sha1: string
}

export function createScript(lua: string): Script {
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') }
}

export async function runScript(
  client: RedisClient,
  script: Script,
  input: { keys: string[]; args: (string | number)[] },
): Promise<unknown> {
  const { keys, args } = input
  try {
    return await client.evalsha(script.sha1, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(script.lua, keys.length, ...keys, ...args)
  }
}
