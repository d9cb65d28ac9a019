import type { Spending } from '../budgets.ts'

/** What one attempt used. */
export interface Charge {
  /** Unique for each attempt. */
  id: string
  /** In UTC, as `toBudgetDay` writes it. */
  day: string
  /** The ids of the accounts to add it to. */
  accounts: readonly string[]
  spending: Spending
}

/**
 * Counts what answers use, by day and account, over all processes that share the back end. All
 * methods reject with `UNAVAILABLE` if the back end does not answer, in Redis within 0.5 s.
 */
export interface Ledger {
  /** Returns the sums of a day, in the order of `accounts`. */
  read(day: string, accounts: readonly string[]): Promise<Spending[]>
  /**
   * Adds a charge to every account in one step and returns the new sums, in the order of the
   * accounts. Returns undefined and adds nothing if this charge was added in the last
   * `CHARGE_KNOWN_MS`. Sums stop at the largest safe integer.
   */
  add(charge: Charge): Promise<Spending[] | undefined>
}

/** How long a charge is remembered, so that a repetition after a lost answer does not count twice. */
export const CHARGE_KNOWN_MS = 600_000
