import { describe, expect, it } from '@jest/globals'
import { LlmError } from '@chatbox/core'
import { parseRetryAfter, toRefusalError, toTransportError } from './provider-error.ts'

describe('what a transport throws', () => {
  const coded = (code: string): Error => Object.assign(new Error('it broke'), { code })

  it.each([
    [coded('UND_ERR_CONNECT_TIMEOUT'), false, 'LLM_TIMEOUT'],
    [coded('ECONNREFUSED'), false, 'LLM_UNAVAILABLE'],
    [coded('ECONNRESET'), true, 'LLM_TRUNCATED'],
    ['no error at all', false, 'LLM_UNAVAILABLE'],
  ])('is an error that may pass: %s', (thrown, begun, code) => {
    expect(toTransportError(thrown, begun)).toMatchObject({ code, retryable: true })
  })

  it('is left as it is when it is one of ours', () => {
    const error = new LlmError('LLM_TIMEOUT', 'late', { retryable: true })
    expect(toTransportError(error, true)).toBe(error)
  })

  it('is shortened for the log', () => {
    const refusal = { status: 500, headers: {}, text: 'x'.repeat(70_000) }
    const { detail } = toRefusalError(refusal)
    expect(detail).toHaveLength(501)
    expect(detail.startsWith('status 500: xxx')).toBe(true)
  })
})

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
