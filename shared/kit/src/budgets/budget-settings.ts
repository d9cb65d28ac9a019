import type { BudgetLimits } from '@chatbox/core'
import { amount, integer } from '../settings/setting-types.ts'
import { setting, type GroupValues } from '../settings/setting.ts'

const SERVER = ['standalone', 'gateway', 'worker'] as const
/** More than any site uses, and small enough for every sum. */
const MAX_BUDGET_TOKENS = 1_000_000_000_000
/** Some 120 conversations of ten questions. Behind one address there may be an office or a café. */
const ADDRESS_TOKENS = 2_000_000

/** The group `budgets` of the settings. Amounts are in the unit of the prices, whichever it is. */
export const BUDGET_SETTINGS = {
  userTokens: setting('BUDGET_USER_TOKENS', integer(0, MAX_BUDGET_TOKENS), {
    default: '0',
    about:
      'The number of tokens that the answers to one user may use in a day (UTC). 0 means no limit.',
    usedBy: SERVER,
  }),
  userCost: setting('BUDGET_USER_COST', amount(), {
    otherwise: () => 0,
    defaultNote: 'no limit',
    about: 'What the answers to one user may cost in a day, by the prices of the models.',
    usedBy: SERVER,
  }),
  addressTokens: setting('BUDGET_ADDRESS_TOKENS', integer(0, MAX_BUDGET_TOKENS), {
    otherwise: ({ production }) => (production ? ADDRESS_TOKENS : 0),
    defaultNote: '`2000000` in production, else no limit',
    about:
      'The number of tokens that the answers to all visitors of one address may use in a day. 0 means no limit.',
    usedBy: SERVER,
  }),
  addressCost: setting('BUDGET_ADDRESS_COST', amount(), {
    otherwise: () => 0,
    defaultNote: 'no limit',
    about: 'What the answers to all visitors of one address may cost in a day.',
    usedBy: SERVER,
  }),
  siteTokens: setting('BUDGET_SITE_TOKENS', integer(0, MAX_BUDGET_TOKENS), {
    default: '0',
    about: 'The number of tokens that all answers together may use in a day. 0 means no limit.',
    usedBy: SERVER,
  }),
  siteCost: setting('BUDGET_SITE_COST', amount(), {
    otherwise: () => 0,
    defaultNote: 'no limit',
    about: 'What all answers together may cost in a day.',
    usedBy: SERVER,
  }),
}

type BudgetValues = GroupValues<typeof BUDGET_SETTINGS>

/** The limits of a day by scope. */
export function toBudgetLimits({ budgets }: { budgets: BudgetValues }): BudgetLimits {
  return {
    user: { tokens: budgets.userTokens, cost: budgets.userCost },
    address: { tokens: budgets.addressTokens, cost: budgets.addressCost },
    site: { tokens: budgets.siteTokens, cost: budgets.siteCost },
  }
}
