import { describe, expect, it, jest } from '@jest/globals'
import { LlmError } from '@chatbox/core'
import { toRefusalError, toStatedError, toTransportError } from './provider-error.ts'
import { readStatedError } from './stated-error.ts'

describe('what a transport throws', () => {
  const coded = (code: string): Error => Object.assign(new Error('it broke'), { code })

  it.each([
    // The question was not sent, so that asking again costs nothing.
    [coded('UND_ERR_CONNECT_TIMEOUT'), false, 'LLM_UNAVAILABLE'],
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

  it('keeps what the provider said apart from the log, shortened', () => {
    const refusal = { status: 500, headers: {}, text: 'x'.repeat(70_000) }
    const { detail, said } = toRefusalError(refusal)
    expect(detail).toBe('status 500')
    expect(said).toBe(`${'x'.repeat(500)}…`)
  })

  it('names a code that is known, and no other', () => {
    const refused = (error: object) =>
      toRefusalError({ status: 400, headers: {}, text: JSON.stringify({ error }) }).detail
    expect(refused({ code: 'context_length_exceeded' })).toBe('status 400 context_length_exceeded')
    expect(refused({ code: null, type: 'invalid_request_error' })).toContain(
      'invalid_request_error',
    )
    expect(refused({ code: 'you asked: my secret' })).toBe('status 400')
  })

  it.each([
    ['near matches', 'exceed '],
    ['words that count', 'input token count '],
    ['words for a rate', 'please wai'],
    ['one long word', 'x'],
  ])('costs a bounded search, whatever it says: %s', (_what, words) => {
    const searching = jest.spyOn(RegExp.prototype, 'test')
    const text = words.repeat(2_000_000 / words.length)
    const error = { code: text, type: [text], message: text }
    toStatedError({ ...readStatedError({ error }), text })
    toRefusalError({ status: 400, headers: {}, text })
    const searched = searching.mock.calls.map(([read]) => read.length)
    searching.mockRestore()
    expect(searched.length).toBeGreaterThan(10)
    expect(searched.length).toBeLessThanOrEqual(50)
    expect(Math.max(...searched)).toBeLessThanOrEqual(65_536)
  })

  it.each([
    [{ error: { code: { toString: 1 }, type: ['x'], status: {} } }, {}],
    [
      { error: { code: '429', type: 'Rate_Limit_Error' } },
      { status: 429, code: 'rate_limit_error' },
    ],
    [{ error: 'overloaded' }, {}],
    [null, {}],
    [503, { status: 503 }],
    ['overloaded', { code: 'overloaded' }],
  ])('is read whatever it is made of: %j', (value, expected) => {
    expect(readStatedError(value)).toMatchObject(expected)
  })
})
