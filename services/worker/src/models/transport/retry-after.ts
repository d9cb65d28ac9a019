import { LLM_LIMITS } from '../llm-limits.ts'

/**
 * A `Retry-After` header in milliseconds, in either of its forms, seconds or an HTTP date; capped,
 * since a provider's word must not park a user's question for an hour. What is neither is ignored.
 */
export function parseRetryAfter(
  header: string | string[] | undefined,
  now: Date,
): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim() ?? ''
  const waitMs = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1000
    : HTTP_DATE.test(value)
      ? Date.parse(value) - now.getTime()
      : Number.NaN
  if (Number.isNaN(waitMs)) return undefined
  return Math.min(Math.max(Math.ceil(waitMs), 0), LLM_LIMITS.retryAfterMs)
}

/** `Date.parse` reads far more than a date: a bare year, or "a 1". */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/
