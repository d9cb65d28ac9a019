export interface RateRule {
  /** Part of the key: two rules never share a count. */
  name: string
  points: number
  /** The length of a window, which begins with its first take. Rounded up to whole seconds. */
  durationMs: number
  /**
   * The number of points that a process may take from the shared count at once and spend locally; 1
   * by default. This avoids the round trip of most takes. A window never gives more than `points`,
   * but points that another process has taken and not spent are missing. If `n` processes serve a
   * key, it may be refused up to `(n - 1) * (batch - 1)` takes early.
   */
  batch?: number
}

export type RateDecision = { allowed: true } | { allowed: false; retryAfterMs: number }

/**
 * Counts takes per rule and key in all processes that share the back end. If the back end is down,
 * each process counts on its own under the same rule. The limit never fails open and never blocks.
 */
export interface RateLimiter {
  /**
   * Takes `points`, 1 by default. If fewer are left, takes those and refuses, so that work whose
   * cost is known only afterwards still counts.
   */
  take(rule: RateRule, key: string, points?: number): Promise<RateDecision>
}
