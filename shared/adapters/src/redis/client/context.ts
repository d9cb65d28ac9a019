import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs, type AdapterHooks } from '@chatbox/core'
import { createReporter } from '../../common/report.ts'
import type { Cipher } from '../../sealed/key-ring.ts'
import type { Pseudonym } from '../../sealed/pseudonym.ts'
import { parseRedisAddress, type RedisAddress } from './address.ts'
import { closeClient, openClient, type Purpose, type RedisClient } from './connection.ts'
import { createGuard, type Guard } from './guard.ts'
import { RedisKeys } from './keys.ts'

/** What the parts on Redis share. */
export interface RedisContext {
  /** The shared connection for commands of requests. The parts do not close it. */
  commands: RedisClient
  guard: Guard
  keys: RedisKeys
  cipher: Cipher
  hooks: AdapterHooks
  /** Opens a connection that the caller owns. */
  open(purpose: Purpose): RedisClient
}

/** What keeps texts and names from whoever reads Redis. */
export interface RedisSecrets {
  cipher: Cipher
  pseudonym: Pseudonym
}

export interface RedisOptions {
  redisUrl: string
  keyPrefix?: string | undefined
  /** Ends the wait for Redis. */
  signal?: AbortSignal
}

const WAIT = { baseMs: 100, maxMs: 2000 }

/**
 * Resolves when Redis answers, without a time limit. Reports from time to time in one line why it
 * does not answer. Throws if the address is invalid or the signal aborts.
 */
export async function connectRedis(
  options: RedisOptions,
  { cipher, pseudonym }: RedisSecrets,
  hooks: AdapterHooks,
): Promise<RedisContext> {
  const address = readAddress(options.redisUrl)
  const report = createReporter(hooks, 'redis')
  const open = (purpose: Purpose): RedisClient => openClient(address, purpose, report)
  const commands = open('commands')
  try {
    await waitUntilAnswers(commands, report, options.signal)
  } catch (error) {
    await closeClient(commands)
    throw error
  }
  await checkEvictionPolicy(commands, report)
  const guard = createGuard(() => commands.ping())
  return { commands, guard, keys: new RedisKeys(pseudonym, options.keyPrefix), cipher, hooks, open }
}

function readAddress(url: string): RedisAddress {
  try {
    return parseRedisAddress(url)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'is not an address'
    throw new Error(`REDIS_URL ${reason}`, { cause })
  }
}

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
      // The connection has reported the reason. A client that is still connecting has none yet.
      if (attempt > 3) report(new Error('waiting for Redis to answer', { cause: error }))
      await sleep(backoffMs(attempt, WAIT, Math.random), undefined, signal ? { signal } : {})
    }
  }
}

/** With any other policy a full Redis silently drops jobs. */
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
