import {
  type Account,
  type AppError,
  type BudgetLimits,
  BUDGET_SCOPES,
  budgetExceeded,
  type BudgetScope,
  type Charge,
  CHARGE_KNOWN_MS,
  type Clock,
  isLimited,
  type Ledger,
  type Payer,
  type Spending,
  toAccounts,
  toBudgetDay,
  toShare,
} from '@chatbox/core'
import type { Logger } from '../logging/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'

export interface BudgetParts {
  ledger: Ledger
  /** Returns a keyed digest of a user's id or an address. */
  pseudonym: (name: string) => string
  clock: Pick<Clock, 'now'>
  logger: Pick<Logger, 'warn'>
  metrics: Pick<Metrics, 'budgetLimit' | 'budgetUsed' | 'budgetNearlyUsed' | 'budgetRefused'>
}

/** What one attempt at an answer used. */
interface Use {
  /** Unique for each attempt. */
  id: string
  payer: Payer | undefined
  spending: Spending
}

/** A charge that the ledger did not take. */
interface Debt {
  charge: Charge
  accounts: readonly Account[]
  since: number
}

/** The limits of what answers may use in a day. Without any, nothing is read, counted or stored. */
export interface Budgets {
  readonly isLimited: boolean
  /** Returns who pays for a user's questions. `address` is that of a visitor, else undefined. */
  payerOf(userId: string, address: string | undefined): Payer | undefined
  /**
   * Returns the scope in which the payer has used up a budget, if there is one. Answers that are
   * being written are not counted yet. Rejects with `UNAVAILABLE` if nobody can tell.
   */
  findSpent(payer: Payer | undefined): Promise<BudgetScope | undefined>
  /**
   * Counts a refusal, and returns the error for the user. It is `retryable` where a person may try
   * again, and not where a client would do so by itself.
   */
  refuse(spent: BudgetScope, options: { retryable: boolean }): AppError
  /** Counts an attempt, once. Never rejects: `watch` repeats what cannot be counted now. */
  charge(use: Use): Promise<void>
  /** Counts what could not be counted, and reports the site's use. Rejects with `UNAVAILABLE`. */
  watch(): Promise<void>
}

/** The share of a budget from which operators are warned. */
const WARNING_SHARE = 0.8
const MAX_OWED = 1000
const MAX_SPENT = 10_000
/** Less than a ledger remembers a charge, so that a late repetition does not count twice. */
const OWED_MS = CHARGE_KNOWN_MS / 2

export function createBudgets(limits: BudgetLimits, parts: BudgetParts): Budgets {
  return new DayBudgets(limits, parts)
}

class DayBudgets implements Budgets {
  readonly isLimited: boolean
  readonly #limits: BudgetLimits
  readonly #parts: BudgetParts
  /** By the charge's id. */
  readonly #owed = new Map<string, Debt>()
  /** The scopes that were warned of on `#warnedDay`. */
  readonly #warned = new Set<BudgetScope>()
  #warnedDay = ''
  /** The accounts that were found to be used up, with the day, so that refusing costs no call. */
  readonly #spent = new Map<string, string>()

  constructor(limits: BudgetLimits, parts: BudgetParts) {
    this.#limits = limits
    this.#parts = parts
    this.isLimited = BUDGET_SCOPES.some((scope) => isLimited(limits[scope]))
  }

  payerOf(userId: string, address: string | undefined): Payer | undefined {
    const { user, address: ofAddress } = this.#limits
    const { pseudonym } = this.#parts
    const payer: Payer = {
      ...(isLimited(user) ? { user: pseudonym(userId) } : {}),
      ...(isLimited(ofAddress) && address !== undefined ? { address: pseudonym(address) } : {}),
    }
    return payer.user === undefined && payer.address === undefined ? undefined : payer
  }

  async findSpent(payer: Payer | undefined): Promise<BudgetScope | undefined> {
    const accounts = this.#accountsOf(payer)
    if (accounts.length === 0) return undefined
    const day = toBudgetDay(this.#parts.clock.now())
    const known = accounts.find(({ id }) => this.#spent.get(id) === day)
    if (known) return known.scope
    const sums = await this.#parts.ledger.read(day, idsOf(accounts))
    const spent = accounts.find(({ scope }, i) => this.#share(scope, sums[i]) >= 1)
    if (spent) this.#remember(spent.id, day)
    return spent?.scope
  }

  refuse(spent: BudgetScope, { retryable }: { retryable: boolean }): AppError {
    this.#parts.metrics.budgetRefused(spent)
    return budgetExceeded(this.#parts.clock.now(), retryable)
  }

  async charge({ id, payer, spending }: Use): Promise<void> {
    const accounts = this.#accountsOf(payer)
    if (accounts.length === 0) return
    const day = toBudgetDay(this.#parts.clock.now())
    const charge = { id, day, accounts: idsOf(accounts), spending }
    try {
      const sums = await this.#parts.ledger.add(charge)
      if (sums) this.#warn(day, accounts, { sums, spending })
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'usage not counted yet')
      this.#owe({ charge, accounts, since: performance.now() })
    }
  }

  async watch(): Promise<void> {
    const { ledger, clock, metrics } = this.#parts
    const limits = this.#limits
    for (const scope of BUDGET_SCOPES) {
      if (isLimited(limits[scope])) metrics.budgetLimit(scope, limits[scope])
    }
    await this.#payOwed()
    if (!isLimited(limits.site)) return
    const [site] = await ledger.read(toBudgetDay(clock.now()), ['site'])
    if (site) metrics.budgetUsed('site', site)
  }

  #accountsOf(payer: Payer | undefined): Account[] {
    return this.isLimited ? toAccounts(this.#limits, payer) : []
  }

  #share(scope: BudgetScope, used: Spending | undefined): number {
    return used ? toShare(this.#limits[scope], used) : 0
  }

  /** Warns when a charge crosses the line, in one process of all, and once a day for each scope. */
  #warn(
    day: string,
    accounts: readonly Account[],
    { sums, spending }: { sums: readonly Spending[]; spending: Spending },
  ): void {
    if (day !== this.#warnedDay) this.#warned.clear()
    this.#warnedDay = day
    for (const [i, { scope }] of accounts.entries()) {
      const sum = sums[i]
      const before = sum && { tokens: sum.tokens - spending.tokens, cost: sum.cost - spending.cost }
      const [was, is] = [this.#share(scope, before), this.#share(scope, sum)]
      if (was >= WARNING_SHARE || is < WARNING_SHARE) continue
      this.#parts.metrics.budgetNearlyUsed(scope)
      if (this.#warned.has(scope)) continue
      this.#warned.add(scope)
      this.#parts.logger.warn({ scope, day, used: sum }, "80 % of a day's budget is used")
    }
  }

  #remember(id: string, day: string): void {
    const [oldest] = this.#spent.keys()
    if (this.#spent.size >= MAX_SPENT && oldest !== undefined) this.#spent.delete(oldest)
    this.#spent.set(id, day)
  }

  #owe(debt: Debt): void {
    const [oldest] = this.#owed.values()
    if (this.#owed.size >= MAX_OWED && oldest) this.#forget([oldest])
    this.#owed.set(debt.charge.id, debt)
  }

  async #payOwed(): Promise<void> {
    const isOld = ({ since }: Debt) => performance.now() - since >= OWED_MS
    this.#forget([...this.#owed.values()].filter(isOld))
    for (const [id, { charge, accounts }] of this.#owed) {
      const { day, spending } = charge
      const sums = await this.#parts.ledger.add(charge)
      this.#owed.delete(id)
      // What was used yesterday warns nobody today.
      const isToday = day === toBudgetDay(this.#parts.clock.now())
      if (sums && isToday) this.#warn(day, accounts, { sums, spending })
    }
  }

  /** Gives up debts, and says how much nobody will have counted. */
  #forget(debts: readonly Debt[]): void {
    if (debts.length === 0) return
    for (const { charge } of debts) this.#owed.delete(charge.id)
    const tokens = debts.reduce((sum, { charge }) => sum + charge.spending.tokens, 0)
    this.#parts.logger.warn({ charges: debts.length, tokens }, 'usage never counted')
  }
}

function idsOf(accounts: readonly Account[]): string[] {
  return accounts.map(({ id }) => id)
}
