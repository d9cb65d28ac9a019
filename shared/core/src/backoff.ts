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
