import type { BackendOptions } from '@chatbox/adapters'

/** As BullMQ has them where nobody says otherwise. */
const STOCK_RULES = { lockMs: 30_000, stalledEveryMs: 30_000, maxStalledCount: 1 }

export function withStockQueue(options: BackendOptions): BackendOptions {
  return options.kind === 'cluster' ? { ...options, stallRules: STOCK_RULES } : options
}
