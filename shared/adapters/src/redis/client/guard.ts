import { within } from '@chatbox/core'

/** Redis did not answer in time, or has been silent for a while. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError'
}

/** Bounds the time that a request spends on Redis. */
export type Guard = <T>(timeoutMs: number, command: () => Promise<T>) => Promise<T>

const SILENT_AFTER_MS = 500

/**
 * Waits at most `timeoutMs` for a command; a slow one fails alone. The first that takes too long is
 * followed by a PING, which stands in line behind it: only where that is not answered within 500 ms
 * either is Redis silent. From then on commands fail at once, until Redis has answered a PING or has
 * dropped the connection, on which they fail by themselves. A request that begins in the first
 * 500 ms after the first time-out thus pays its own, and every later one nothing.
 */
export function createGuard(ping: () => Promise<unknown>): Guard {
  let isSilent = false
  let isListening = false

  /** One PING after the other, so that Redis finds one to answer as soon as it is back. */
  async function listen(): Promise<void> {
    if (isListening) return
    isListening = true
    while (!(await isAnswered(ping))) isSilent = true
    isSilent = false
    isListening = false
  }

  return async function guard(timeoutMs, command) {
    if (isSilent) throw new RedisAwayError('Redis does not answer')
    try {
      return await withDeadline(timeoutMs, command())
    } catch (error) {
      if (error instanceof RedisAwayError) void listen()
      throw error
    }
  }
}

/** An error is an answer too: Redis gave it, or the connection that is gone. */
async function isAnswered(ping: () => Promise<unknown>): Promise<boolean> {
  try {
    await withDeadline(SILENT_AFTER_MS, ping())
    return true
  } catch (error) {
    return !(error instanceof RedisAwayError)
  }
}

async function withDeadline<T>(timeoutMs: number, command: Promise<T>): Promise<T> {
  return within(timeoutMs, command, () => new RedisAwayError(`no answer within ${timeoutMs} ms`))
}
