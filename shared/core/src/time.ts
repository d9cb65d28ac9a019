/** Time and randomness: the only things besides model servers that a test may fake. */
export interface Clock {
  now(): Date
  /** 128 random bits as 22 characters of base64url. */
  newId(): string
  /** In [0, 1). */
  random(): number
}

export interface Backoff {
  baseMs: number
  maxMs: number
}

/**
 * Milliseconds to wait before try `attempt` (1 is the first retry): between half of a doubling
 * ceiling and all of it, so that many who failed together do not come back together.
 * `random` is in [0, 1).
 */
export function backoffMs(attempt: number, backoff: Backoff, random: () => number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1))
  return Math.round(ceiling * (0.5 + random() * 0.5))
}

/**
 * Resolves or rejects as `work` does, or rejects with `toError()` once that has taken `timeoutMs`.
 * `work` is left to itself then, and its later end is ignored.
 */
export async function within<T>(
  timeoutMs: number,
  work: Promise<T>,
  toError: () => Error,
): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    // A process whose event loop was blocked runs its timers before it reads what has arrived
    // meanwhile. One more turn lets an answer that is already there count.
    setImmediate(() => late.reject(toError()))
  }, timeoutMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
    // The race is over, and neither side's later rejection may go unhandled.
    work.catch(() => undefined)
    late.promise.catch(() => undefined)
  }
}

/** Whether `work` has resolved or rejected within `timeoutMs`. Never rejects. */
export async function settlesWithin(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  )
  const late = new Error('late')
  return within(timeoutMs, settled, () => late).catch(() => false)
}
