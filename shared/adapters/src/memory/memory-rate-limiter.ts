import type { RateLimiter } from '@chatbox/core'
import { createMemoryLimit, createRuleBook, takeFrom } from '../common/rate-rules.ts'

export function createMemoryRateLimiter(): RateLimiter {
  const rules = createRuleBook(createMemoryLimit)
  return {
    take: (rule, key) => takeFrom(rules.find(rule), key),
    async close() {
      // Counts are forgotten with their windows.
    },
  }
}
