import { beforeEach, describe, expect, it, jest } from '@jest/globals'
import {
  AppError,
  CHARGE_KNOWN_MS,
  type BudgetLimits,
  type Ledger,
  type Spending,
} from '@chatbox/core'
import { createBudgets } from './budgets.ts'

const NONE = { tokens: 0, cost: 0 }

/** Counts in memory, and fails while `isAway`. */
class FakeLedger implements Ledger {
  isAway = false
  reads = 0
  readonly charged = new Set<string>()
  readonly sums = new Map<string, Spending>()

  async read(day: string, accounts: readonly string[]): Promise<Spending[]> {
    this.#check()
    this.reads++
    return accounts.map((account) => this.sums.get(`${day} ${account}`) ?? NONE)
  }

  async add({ id, day, accounts, spending }: Parameters<Ledger['add']>[0]) {
    this.#check()
    if (this.charged.has(id)) return undefined
    this.charged.add(id)
    for (const account of accounts) {
      const { tokens, cost } = this.sums.get(`${day} ${account}`) ?? NONE
      const sum = { tokens: tokens + spending.tokens, cost: cost + spending.cost }
      this.sums.set(`${day} ${account}`, sum)
    }
    return this.read(day, accounts)
  }

  #check(): void {
    if (this.isAway) throw new AppError('UNAVAILABLE', 'away')
  }
}

describe('createBudgets', () => {
  let ledger: FakeLedger
  let now: Date
  let logged: { scope?: string; message?: string }[]
  let counted: string[]
  beforeEach(() => {
    ledger = new FakeLedger()
    now = new Date('2026-05-05T12:00:00Z')
    logged = []
    counted = []
  })

  const open = (limits: Partial<BudgetLimits>) =>
    createBudgets(
      { user: NONE, address: NONE, site: NONE, ...limits },
      {
        ledger,
        pseudonym: (name) => `<${name}>`,
        clock: { now: () => now },
        logger: {
          warn: (fields: object, message = '') => void logged.push({ ...fields, message }),
        },
        metrics: {
          budgetLimit: (scope) => void counted.push(`limit ${scope}`),
          budgetUsed: (scope, { tokens }) => void counted.push(`used ${scope} ${tokens}`),
          budgetNearlyUsed: (scope) => void counted.push(`nearly ${scope}`),
          budgetRefused: (scope) => void counted.push(`refused ${scope}`),
        },
      },
    )
  const said = (message: string) =>
    logged.flatMap(({ message: line, ...fields }) => (line === message ? [fields] : []))
  const spend = (id: string, tokens: number, payer = { user: 'U', address: 'A' }) => ({
    id,
    payer,
    spending: { tokens, cost: 0 },
  })
  const some = (tokens: number) => ({ tokens, cost: 0 })

  it('asks and stores nothing without a limit', async () => {
    const budgets = open({})
    ledger.isAway = true
    expect(budgets.isLimited).toBe(false)
    expect(budgets.payerOf('ada', '203.0.113.7')).toBeUndefined()
    expect(await budgets.findSpent({ user: 'U' })).toBeUndefined()
    await budgets.charge(spend('1', 10))
    expect(logged).toEqual([])
  })

  it('names a payer only by digests, and only for what is limited', () => {
    expect(open({ user: some(1) }).payerOf('ada', '203.0.113.7')).toEqual({ user: '<ada>' })
    const byAddress = open({ address: some(1) })
    expect(byAddress.payerOf('visitor:1', '203.0.113.7')).toEqual({ address: '<203.0.113.7>' })
    expect(byAddress.payerOf('ada', undefined)).toBeUndefined()
    expect(open({ site: some(1) }).payerOf('ada', '203.0.113.7')).toBeUndefined()
  })

  it.each(['user', 'address', 'site'] as const)(
    'finds a used up budget of the %s',
    async (scope) => {
      const budgets = open({ [scope]: some(100) })
      await budgets.charge(spend('1', 99))
      expect(await budgets.findSpent({ user: 'U', address: 'A' })).toBeUndefined()
      await budgets.charge(spend('2', 1))
      expect(await budgets.findSpent({ user: 'U', address: 'A' })).toBe(scope)
      const others = await budgets.findSpent({ user: 'V', address: 'B' })
      expect(others).toBe(scope === 'site' ? 'site' : undefined)
    },
  )

  it('finds a used up budget of money', async () => {
    const budgets = open({ site: { tokens: 0, cost: 500 } })
    await budgets.charge({ id: '1', payer: undefined, spending: { tokens: 1, cost: 500 } })
    expect(await budgets.findSpent(undefined)).toBe('site')
  })

  it('remembers until the end of the day what is used up, and asks again on the next', async () => {
    const budgets = open({ user: some(10) })
    await budgets.charge(spend('1', 10))
    await budgets.findSpent({ user: 'U' })
    const { reads } = ledger
    ledger.isAway = true
    expect(await budgets.findSpent({ user: 'U' })).toBe('user')
    ledger.isAway = false
    expect(ledger.reads).toBe(reads)
    now = new Date('2026-05-06T00:00:00Z')
    expect(await budgets.findSpent({ user: 'U' })).toBeUndefined()
  })

  it('refuses with the time at which the next day begins, and counts it', () => {
    const error = open({ user: some(10) }).refuse('user', { retryable: false })
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', retryAfterMs: 43_200_000 })
    expect(counted).toEqual(['refused user'])
  })

  it('warns at 80 %, once a day for each scope, and counts everybody who gets there', async () => {
    const budgets = open({ user: some(100), site: some(1000) })
    await budgets.charge(spend('1', 79))
    expect(logged).toEqual([])
    await budgets.charge(spend('2', 1))
    await budgets.charge(spend('3', 50))
    await budgets.charge(spend('4', 95, { user: 'V', address: 'A' }))
    expect(logged.map(({ scope }) => scope)).toEqual(['user'])
    expect(counted).toEqual(['nearly user', 'nearly user'])
    now = new Date('2026-05-06T00:00:00Z')
    await budgets.charge(spend('5', 90))
    expect(logged.map(({ scope }) => scope)).toEqual(['user', 'user'])
  })

  it('cannot tell without the counts', async () => {
    ledger.isAway = true
    await expect(open({ site: some(10) }).findSpent(undefined)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
  })

  it('counts later, and once, what it could not count', async () => {
    const budgets = open({ site: some(100) })
    ledger.isAway = true
    await budgets.charge(spend('1', 30))
    await budgets.charge(spend('2', 12))
    await expect(budgets.watch()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    ledger.isAway = false
    await budgets.watch()
    await budgets.watch()
    expect(ledger.sums.get('2026-05-05 site')).toEqual(some(42))
    expect(counted.slice(-2)).toEqual(['limit site', 'used site 42'])
  })

  it('keeps a bounded number of them', async () => {
    const budgets = open({ site: some(100) })
    ledger.isAway = true
    for (let i = 0; i < 1100; i++) await budgets.charge(spend(`${i}`, 1))
    ledger.isAway = false
    await budgets.watch()
    expect(ledger.sums.get('2026-05-05 site')).toEqual(some(1000))
    expect(said('usage never counted')).toEqual(Array(100).fill({ charges: 1, tokens: 1 }))
  })

  it('says what it gives up because nobody would know a repetition any more', async () => {
    jest.useFakeTimers({ now, doNotFake: ['nextTick'] })
    const budgets = open({ site: some(1000) })
    ledger.isAway = true
    await budgets.charge(spend('1', 30))
    await budgets.charge(spend('2', 12))
    jest.advanceTimersByTime(CHARGE_KNOWN_MS / 2)
    await budgets.charge(spend('3', 5))
    ledger.isAway = false
    await budgets.watch()
    expect(said('usage never counted')).toEqual([{ charges: 2, tokens: 42 }])
    expect(ledger.sums.get('2026-05-05 site')).toEqual(some(5))
    jest.useRealTimers()
  })

  it('warns at 80 % also for what is counted later, once a day', async () => {
    const budgets = open({ user: some(100) })
    ledger.isAway = true
    await budgets.charge(spend('1', 79))
    await budgets.charge(spend('2', 10))
    await budgets.charge(spend('3', 10))
    ledger.isAway = false
    await budgets.watch()
    expect(counted).toContain('nearly user')
    expect(logged.filter(({ scope }) => scope === 'user')).toHaveLength(1)
  })

  it('warns nobody of what was used yesterday', async () => {
    const budgets = open({ user: some(100) })
    await budgets.charge(spend('0', 10))
    ledger.isAway = true
    await budgets.charge(spend('1', 85))
    ledger.isAway = false
    now = new Date('2026-05-06T00:00:00Z')
    await budgets.charge(spend('2', 81))
    await budgets.watch()
    await budgets.charge(spend('3', 1))
    expect(ledger.sums.get('2026-05-05 user:U')).toEqual(some(95))
    expect(counted.filter((line) => line === 'nearly user')).toHaveLength(1)
    expect(logged.filter(({ scope }) => scope === 'user')).toHaveLength(1)
  })
})
