import { randomBytes } from 'node:crypto'
import type { AdapterHooks } from '@chatbox/core'
import {
  findRedisSkipReason,
  startRedis,
  type RedisServer,
  type RedisServerOptions,
} from '../environment/servers/redis.ts'
import { startTcpProxy, type TcpProxy } from '../environment/servers/tcp-proxy.ts'
import { describeUnless, type Describe } from '../support/describe-unless.ts'
import { SealedEvents } from '../../shared/adapters/src/redis/bus/sealed-events.ts'
import { createKeyRing } from '../../shared/adapters/src/sealed/key-ring.ts'
import { createPseudonym } from '../../shared/adapters/src/sealed/pseudonym.ts'
import { openRedis, type RedisParts } from '../../shared/adapters/src/redis/open-redis.ts'

/** For suites that need a Redis of their own. */
export const describeWithRedis: Describe = describeUnless(await findRedisSkipReason())

export interface CountedHooks extends AdapterHooks {
  errors: { component: string; error: unknown }[]
  refused: { source: string; ids: Record<string, string> }[]
  gaps: number
  publishesFailed: number
}

export function createCountedHooks(): CountedHooks {
  const hooks: CountedHooks = {
    errors: [],
    refused: [],
    gaps: 0,
    publishesFailed: 0,
    onError: (component, error) => hooks.errors.push({ component, error }),
    onPublishFailed: () => hooks.publishesFailed++,
    onGap: () => hooks.gaps++,
    onPayloadRefused: (source, ids) => hooks.refused.push({ source, ids }),
  }
  return hooks
}

export const newId = (): string => randomBytes(12).toString('hex')

const KEY = { id: 'k1', key: new Uint8Array(randomBytes(32)) }

export const redisSecrets = { cipher: createKeyRing([KEY]), pseudonym: createPseudonym([KEY]) }

/** Seals as the processes of every lab do. */
export const sealedEvents = new SealedEvents(redisSecrets.cipher)

/** Seals as somebody does who has made up a key of the same id. */
export const forgedEvents = new SealedEvents(
  createKeyRing([{ id: KEY.id, key: new Uint8Array(randomBytes(32)) }]),
)

export interface OpenedRedis extends RedisParts {
  hooks: CountedHooks
}

/** A Redis with a faulty link before it; everything opened here is closed with it. */
export interface RedisLab {
  server: RedisServer
  link: TcpProxy
  /** Straight to the server. */
  open(keyPrefix?: string): Promise<OpenedRedis>
  /** Over the link. */
  openFar(keyPrefix?: string): Promise<OpenedRedis>
  close(): Promise<void>
}

export async function openRedisLab(options: RedisServerOptions = {}): Promise<RedisLab> {
  const server = await startRedis(options)
  const link = await startTcpProxy({ port: server.port })
  const opened: OpenedRedis[] = []

  async function open(redisUrl: string, keyPrefix = 'test'): Promise<OpenedRedis> {
    const hooks = createCountedHooks()
    const parts = await openRedis({ redisUrl, keyPrefix }, redisSecrets, hooks)
    opened.push({ ...parts, hooks })
    return { ...parts, hooks }
  }

  return {
    server,
    link,
    open: (keyPrefix) => open(server.url, keyPrefix),
    openFar: (keyPrefix) => open(`redis://127.0.0.1:${link.port}`, keyPrefix),
    async close() {
      await Promise.all(opened.map((parts) => parts.close()))
      await link.close()
      await server.stop()
    },
  }
}

export async function closeAll(...parts: { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(parts.map((part) => part.close()))
}

/** Waits until `check` holds; fails with what it saw last. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  check: (value: T) => boolean,
  timeoutMs = 5000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await read()
    if (check(value)) return value
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** How long `action` took, in milliseconds, whether it came to a good end or not. */
export async function timeMs(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await action().catch(() => undefined)
  return performance.now() - start
}
