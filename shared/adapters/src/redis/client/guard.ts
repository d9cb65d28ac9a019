import { within } from '@chatbox/core'

/** Redis did not answer in time, or is known not to answer. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError'
}

/** Limits the time that a request spends on Redis. */
export type Guard = <T>(timeoutMs: number, command: () => Promise<T>) => Promise<T>

const SILENT_AFTER_MS = 500

/**
 * Waits at most `timeoutMs` for a command. A slow command fails alone: after the first time-out, a
 * PING is sent on the same connection. If that is not answered within 500 ms either, Redis counts
 * as silent. Then commands fail at once until Redis answers a PING or drops the connection, on
 * which they fail by themselves. Only requests that begin in the first 500 ms after the first
 * time-out therefore wait for their own.
 */
export function createGuard(ping: () => Promise<unknown>): Guard {
  let isSilent = false
  let isListening = false

  /** Sends PINGs one after another, so that Redis finds one to answer as soon as it is back. */
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

/** An error counts as an answer: it comes from Redis or from the lost connection. */
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
