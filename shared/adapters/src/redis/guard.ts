/** Redis did not answer in time, or did not a moment ago. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError'
}

/** Bounds the time that a request spends on Redis. */
export type Guard = <T>(timeoutMs: number, command: () => Promise<T>) => Promise<T>

const CLOSED_MS = 1000

/**
 * Waits at most `timeoutMs` for a command. After one that took longer, the commands of the next
 * second fail at once and then one tries again: while Redis hangs, one request a second pays the
 * time-out and the others pay nothing.
 */
export function createGuard(now: () => number = Date.now): Guard {
  let closedUntil = 0
  let probing = false

  return async function guard(timeoutMs, command) {
    const suspect = closedUntil > 0
    if (suspect && (probing || now() < closedUntil)) {
      throw new RedisAwayError('Redis does not answer')
    }
    probing = suspect
    try {
      const answer = await withDeadline(timeoutMs, command())
      closedUntil = 0
      return answer
    } catch (error) {
      // An answer, and be it an error, came in time: only silence closes the way.
      closedUntil = error instanceof RedisAwayError ? now() + CLOSED_MS : 0
      throw error
    } finally {
      if (suspect) probing = false
    }
  }
}

/** Rejects with `RedisAwayError` when `pending` is not settled in time; its later end is ignored. */
async function withDeadline<T>(timeoutMs: number, pending: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    // A stalled event loop runs timers before it reads what has arrived meanwhile: one more turn
    // lets an answer that is there count.
    setImmediate(() => reject(new RedisAwayError(`no answer within ${timeoutMs} ms`)))
  }, timeoutMs)
  try {
    return await Promise.race([pending, late])
  } finally {
    clearTimeout(timer)
    // The race has settled by now; neither side's later rejection may go unhandled.
    pending.catch(() => undefined)
    late.catch(() => undefined)
  }
}
