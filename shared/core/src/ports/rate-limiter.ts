export interface RateRule {
  /** Part of the key: two rules never share a count. */
  name: string
  points: number
  /** Of a window, which begins with its first take. Rounded up to whole seconds. */
  durationMs: number
  /**
   * So many points a process may take from the shared count at once and spend by itself; 1 unless
   * given. It spares the round trip of most takes. A window never gives more than `points`, but what
   * other processes have taken and not spent is missing: a key that `n` of them serve may be refused
   * up to `(n - 1) * (batch - 1)` takes early.
   */
  batch?: number
}

export type RateDecision = { allowed: true } | { allowed: false; retryAfterMs: number }

/**
 * Counts per rule and key over all processes that share the back end. While the back end is away
 * each process counts for itself under the same rule: a limit never fails open and never blocks.
 */
export interface RateLimiter {
  take(rule: RateRule, key: string): Promise<RateDecision>
}
