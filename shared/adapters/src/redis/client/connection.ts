import { createHash } from 'node:crypto'
import { backoffMs, settlesWithin } from '@chatbox/core'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress, RedisNode } from './address.ts'

export type RedisClient = Redis | Cluster

/**
 * What a connection is for, which decides how it fails:
 *
 * - `commands`: on the way of a request. A command fails at once while Redis is away, and within a
 *   second while it is silent; nothing is kept for later.
 * - `subscriptions`: the same, and its owner subscribes again after each reconnection, because the
 *   library's own way of doing so leaves its rejections to nobody.
 * - `jobs`: a worker's own commands. They wait for Redis to come back, as BullMQ needs; their number
 *   is bounded by the jobs that run. A connection that was made just as Redis went is silent from its
 *   first command on: what it is given to answer is a part of how soon jobs go on.
 * - `blocking`: a worker's waiting read, which may stay silent for 10 s.
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

/** Begins to connect and never gives up; the one policy is at most 1 s between tries, with jitter. */
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
    // After a failover an old primary may be left as a replica: a writer then finds the new one.
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
      // Every node hears every channel. The library's own subscriber changes nodes without a word,
      // and a gap that nobody hears of is never filled.
      if (purpose === 'subscriptions') return createRotating(address.nodes, single)
      return new Cluster(address.nodes, {
        redisOptions: common,
        enableOfflineQueue,
        clusterRetryStrategy: retryDelayMs,
        slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
      })
  }
}

/** Connects each time to the next node of a cluster, beginning anywhere. */
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
 * Lets the commands of one turn of the event loop leave in one write: a system call for each costs
 * more than all else that a small command takes. Each has its own answer and fails by itself.
 */
export function gatherWrites(client: RedisClient): void {
  // A cluster has a connection to each node, and keeps them to itself.
  if (client instanceof Cluster || client.status !== 'ready') return
  const { stream } = client
  if (stream.writableCorked > 0) return
  stream.cork()
  setImmediate(() => stream.uncork())
}

/** Resolves within a second or so, whatever state the connection is in. Idempotent. */
export async function closeClient(client: RedisClient): Promise<void> {
  if (client.status === 'end') return
  const ended = new Promise((resolve) => client.once('end', resolve))
  // QUIT lets what was sent before arrive; it needs a connection that works.
  if (client.status === 'ready') client.quit().catch(() => undefined)
  else disconnect(client)
  if (await settlesWithin(QUIT_TIMEOUT_MS, ended)) return
  disconnect(client)
  await settlesWithin(QUIT_TIMEOUT_MS, ended)
}

function disconnect(client: RedisClient): void {
  client.disconnect()
  // Between two tries that leaves a client neither connected nor ended: one last try ends it.
  if (client.status === 'reconnecting') client.connect().catch(() => undefined)
}

/** A Lua script, run by its digest; a Redis that was restarted is given the text again. */
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
