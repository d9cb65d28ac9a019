import { describe, expect, it } from '@jest/globals'
import { parseRetryAfter } from './retry-after.ts'

const NOW = new Date('2026-01-05T10:00:00Z')

describe('Retry-After', () => {
  it.each([
    ['seconds', '5', 5000],
    ['a fraction of a second', '0.5', 500],
    ['no wait', '0', 0],
    ['the first of several', ['3', '9'], 3000],
    ['a date', 'Mon, 05 Jan 2026 10:00:30 GMT', 30_000],
    ['the old form of a date', 'Monday, 05-Jan-26 10:00:30 GMT', 30_000],
    ['a date that is past', 'Mon, 05 Jan 2026 09:00:00 GMT', 0],
    ['more than the cap', '100000', 60_000],
    ['a date beyond the cap', 'Tue, 06 Jan 2026 10:00:00 GMT', 60_000],
    ['nothing', undefined, undefined],
    ['an empty value', '', undefined],
    ['a year', '2027-', undefined],
    ['words', 'soon 1', undefined],
    ['less than nothing', '-5', undefined],
    ['a number past all numbers', '9'.repeat(400), 60_000],
  ])('reads %s', (_what, header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected)
  })
})
