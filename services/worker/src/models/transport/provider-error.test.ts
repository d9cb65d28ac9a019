import { describe, expect, it } from '@jest/globals'
import { LlmError } from '@chatbox/core'
import { toRefusalError, toTransportError } from './provider-error.ts'

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
})
