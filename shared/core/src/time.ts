/** Time and randomness. Tests may fake only these and model servers. */
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
 * Returns the milliseconds to wait before try `attempt` (1 is the first retry). The delay is
 * between half of a doubling ceiling and all of it, so that many callers that failed together do
 * not retry together. `random` is in [0, 1).
 */
export function backoffMs(attempt: number, backoff: Backoff, random: () => number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1))
  return Math.round(ceiling * (0.5 + random() * 0.5))
}

/**
 * Settles as `work` does, or rejects with `toError()` after `timeoutMs`. It does not stop `work`;
 * it ignores its later result.
 */
export async function within<T>(
  timeoutMs: number,
  work: Promise<T>,
  toError: () => Error,
): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    // After a blocked event loop, Node runs timers before it reads what has arrived in the
    // meantime. One more turn lets an answer that is already there count.
    setImmediate(() => late.reject(toError()))
  }, timeoutMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
    // The race is over. A later rejection of either side must not be reported as unhandled.
    work.catch(() => undefined)
    late.promise.catch(() => undefined)
  }
}

/** Returns whether `work` settles within `timeoutMs`. Never rejects. */
export async function settlesWithin(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  )
  const late = new Error('late')
  return within(timeoutMs, settled, () => late).catch(() => false)
}
