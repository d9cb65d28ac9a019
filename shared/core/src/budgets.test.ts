import { describe, expect, it } from '@jest/globals'
import {
  budgetExceeded,
  toAccounts,
  toBudgetDay,
  toShare,
  toSpending,
  type BudgetLimits,
} from './budgets.ts'

const none = { tokens: 0, cost: 0 }
const some = { tokens: 100, cost: 0 }
const limits = (over: Partial<BudgetLimits>): BudgetLimits => ({
  user: none,
  address: none,
  site: none,
  ...over,
})

describe('toAccounts', () => {
  const payer = { user: 'U', address: 'A' }

  it('counts for every scope that has a limit of tokens or of money', () => {
    const all = limits({ user: some, address: { tokens: 0, cost: 5 }, site: some })
    expect(toAccounts(all, payer).map(({ id }) => id)).toEqual(['user:U', 'address:A', 'site'])
    expect(toAccounts(limits({ address: some }), payer)).toEqual([
      { scope: 'address', id: 'address:A' },
    ])
    expect(toAccounts(limits({}), payer)).toEqual([])
  })

  it('counts a question whose payer nobody knows for the site alone', () => {
    const all = limits({ user: some, address: some, site: some })
    expect(toAccounts(all, undefined)).toEqual([{ scope: 'site', id: 'site' }])
    expect(toAccounts(all, { user: 'U' }).map(({ scope }) => scope)).toEqual(['user', 'site'])
  })
})

describe('toShare', () => {
  it('takes whichever limit is nearer', () => {
    expect(toShare({ tokens: 100, cost: 10 }, { tokens: 50, cost: 8 })).toBe(0.8)
    expect(toShare({ tokens: 100, cost: 0 }, { tokens: 100, cost: 1e9 })).toBe(1)
    expect(toShare(none, { tokens: 1e9, cost: 1e9 })).toBe(0)
  })
})

describe('toSpending', () => {
  const usage = (promptTokens: number, completionTokens: number, totalTokens?: number) => ({
    promptTokens,
    completionTokens,
    totalTokens: totalTokens ?? promptTokens + completionTokens,
  })
  const prices = { input: 150_000, output: 600_000 }

  it('takes the price of a million tokens in millionths', () => {
    expect(toSpending(prices, usage(1_000_000, 1_000_000))).toEqual({
      tokens: 2_000_000,
      cost: 750_000,
    })
    expect(toSpending(prices, usage(1000, 200))).toEqual({ tokens: 1200, cost: 270 })
  })

  it('takes the full price without a count of cached tokens, which no provider has to report', () => {
    const { cost } = toSpending({ input: 1_000_000, output: 0 }, usage(500, 10))
    expect(cost).toBe(500)
  })

  it('rounds a fraction up, so that small answers are not free', () => {
    expect(toSpending({ input: 1, output: 0 }, usage(1, 0)).cost).toBe(1)
  })

  it('counts tokens of a model without a price, which costs nothing', () => {
    expect(toSpending(undefined, usage(30, 12))).toEqual({ tokens: 42, cost: 0 })
    expect(toSpending({ input: 0, output: 0 }, usage(30, 12)).cost).toBe(0)
  })

  it('takes what a provider counts beside its parts for output', () => {
    expect(toSpending({ input: 0, output: 1_000_000 }, usage(10, 20, 90))).toEqual({
      tokens: 90,
      cost: 80,
    })
  })

  it('stops at the largest safe integer', () => {
    const most = Number.MAX_SAFE_INTEGER
    const huge = toSpending({ input: 1e12, output: 1e12 }, usage(most, most, most))
    expect(huge).toEqual({ tokens: most, cost: most })
  })
})

describe('the day of a budget', () => {
  it.each([
    ['2026-03-29T00:00:00.000Z', '2026-03-29', 86_400_000],
    // The clocks of Europe jump in this night; a day in UTC is as long as any other.
    ['2026-03-29T01:30:00.000Z', '2026-03-29', 81_000_000],
    ['2024-02-29T23:59:59.999Z', '2024-02-29', 1],
    ['2026-12-31T22:00:00.000Z', '2026-12-31', 7_200_000],
  ])('%s is in %s', (time, day, leftMs) => {
    expect(toBudgetDay(new Date(time))).toBe(day)
    expect(budgetExceeded(new Date(time), false)).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      retryable: false,
      retryAfterMs: leftMs,
    })
  })
})
