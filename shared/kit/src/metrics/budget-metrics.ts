import type { Instruments } from './instruments.ts'

/** What a scope may use or has used. `cost` is in millionths of the unit of the prices. */
interface Amount {
  tokens: number
  cost: number
}

/** The budgets of a day. `scope` is `user`, `address` or `site`. */
export interface BudgetMetrics {
  budgetLimit(scope: string, limit: Readonly<Amount>): void
  budgetUsed(scope: string, used: Readonly<Amount>): void
  budgetNearlyUsed(scope: string): void
  budgetRefused(scope: string): void
}

const MILLIONTHS = 1_000_000

export function createBudgetMetrics({ gauge, count }: Instruments): BudgetMetrics {
  const limits = gauge(
    'chatbox_budget_limit',
    'What each user, each address of visitors or the whole site may use in a day, in tokens or money; 0 without a limit.',
    'scope',
    'unit',
  )
  const used = gauge(
    'chatbox_budget_used',
    'What the site has used since the day began in UTC, in tokens or money. All workers show the same.',
    'scope',
    'unit',
  )
  const set = (metric: typeof used, scope: string, { tokens, cost }: Readonly<Amount>) => {
    metric.set({ scope, unit: 'tokens' }, tokens)
    metric.set({ scope, unit: 'money' }, cost / MILLIONTHS)
  }
  return {
    budgetLimit: (scope, limit) => set(limits, scope, limit),
    budgetUsed: (scope, sum) => set(used, scope, sum),
    budgetNearlyUsed: count(
      'chatbox_budgets_nearly_used_total',
      'One user, address or site that has used 80 % of its budget of a day.',
      'scope',
    ),
    budgetRefused: count(
      'chatbox_budget_refusals_total',
      'One question that was refused, or ended without an answer, because a budget is used up.',
      'scope',
    ),
  }
}
