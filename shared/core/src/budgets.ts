import type { Usage } from '@chatbox/contract'
import { AppError } from './errors.ts'

/** What answers have used. `cost` is in millionths of the unit that prices are given in. */
export interface Spending {
  tokens: number
  cost: number
}

/** Whose usage is limited: one user's, that of the visitors of one address, everybody's. */
export const BUDGET_SCOPES = ['user', 'address', 'site'] as const
export type BudgetScope = (typeof BUDGET_SCOPES)[number]

/** The most that each scope may use in a day. 0 means no limit. */
export type BudgetLimits = Readonly<Record<BudgetScope, Readonly<Spending>>>

/**
 * Who asked a question, as keyed digests: the user if users have a limit, and a visitor's address
 * if addresses have one. It is stored with the question, because a worker sees neither a token nor
 * a connection.
 */
export interface Payer {
  user?: string
  address?: string
}

/** One count of a day. */
export interface Account {
  scope: BudgetScope
  /** Unique among all accounts; names nobody. */
  id: string
}

/** The prices of a million tokens, in millionths of their unit. */
export interface Prices {
  input: number
  output: number
}

const PER_MILLION = 1_000_000
const DAY_MS = 86_400_000

/** Returns the accounts of a question that have a limit. One without a payer has only the site's. */
export function toAccounts(limits: BudgetLimits, payer: Payer | undefined): Account[] {
  const ids: Record<BudgetScope, string | undefined> = {
    user: payer?.user,
    address: payer?.address,
    site: '',
  }
  return BUDGET_SCOPES.flatMap((scope) => {
    const id = ids[scope]
    if (id === undefined || !isLimited(limits[scope])) return []
    return [{ scope, id: id === '' ? scope : `${scope}:${id}` }]
  })
}

export function isLimited({ tokens, cost }: Readonly<Spending>): boolean {
  return tokens > 0 || cost > 0
}

/** Returns the used share of a limit, by tokens or by cost, whichever is larger; 0 without a limit. */
export function toShare(limit: Readonly<Spending>, used: Spending): number {
  const share = (most: number, spent: number) => (most > 0 ? spent / most : 0)
  return Math.max(share(limit.tokens, used.tokens), share(limit.cost, used.cost))
}

/**
 * Returns what an attempt used. A model without prices costs nothing. A fraction of a millionth
 * counts as a whole one, so that many small answers are not free. Some providers count more in the
 * total than in its parts, for example reasoning.
 */
export function toSpending(
  prices: Prices | undefined,
  { promptTokens, completionTokens, totalTokens }: Usage,
): Spending {
  const tokens = saturated(Math.max(totalTokens, promptTokens + completionTokens))
  const input = (promptTokens * (prices?.input ?? 0)) / PER_MILLION
  const output = ((tokens - promptTokens) * (prices?.output ?? 0)) / PER_MILLION
  return { tokens, cost: saturated(Math.ceil(input + output)) }
}

/** Returns a count that is a safe integer, at least 0. Sums stop at the largest one. */
function saturated(count: number): number {
  return Math.min(Math.max(0, count), Number.MAX_SAFE_INTEGER)
}

/** Returns the day of a moment, in UTC: `2026-02-28`. */
export function toBudgetDay(now: Date): string {
  return now.toISOString().slice(0, 10)
}

/**
 * Creates the error for a question whose day's budget is used up. It says when the next day begins.
 * By itself no client should wait for that, so only a person's second try is useful (`retryable`).
 */
export function budgetExceeded(now: Date, retryable: boolean): AppError {
  const retryAfterMs = DAY_MS - (now.getTime() % DAY_MS)
  return new AppError('BUDGET_EXCEEDED', "Today's limit is reached.", { retryAfterMs, retryable })
}
