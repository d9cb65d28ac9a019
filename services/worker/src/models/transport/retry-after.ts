/** The upper limit for a provider's `Retry-After`. */
const MAX_RETRY_AFTER_MS = 60_000

/**
 * Parses a `Retry-After` header, in seconds or as an HTTP date, into milliseconds. The result is
 * at most `maxMs`, because a provider must not delay a user's question for an hour. Invalid values are
 * ignored.
 */
export function parseRetryAfter(
  header: string | string[] | undefined,
  now: Date,
  maxMs = MAX_RETRY_AFTER_MS,
): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim() ?? ''
  const waitMs = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1000
    : HTTP_DATE.test(value)
      ? Date.parse(value) - now.getTime()
      : Number.NaN
  if (Number.isNaN(waitMs)) return undefined
  return Math.min(Math.max(Math.ceil(waitMs), 0), maxMs)
}

/** `Date.parse` accepts far more than HTTP dates: a bare year, or "a 1". */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/
