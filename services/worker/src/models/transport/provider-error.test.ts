import { describe, expect, it } from '@jest/globals'
import { LlmError } from '@chatbox/core'
import { EventTooLongError } from './event-stream.ts'
import { toRefusalError, toTransportError } from './provider-error.ts'

describe('what a transport throws', () => {
  const coded = (code: string): Error => Object.assign(new Error('it broke'), { code })

  it.each([
    [coded('UND_ERR_CONNECT_TIMEOUT'), false, 'LLM_TIMEOUT'],
    [coded('ECONNREFUSED'), false, 'LLM_UNAVAILABLE'],
    [coded('ECONNRESET'), true, 'LLM_TRUNCATED'],
    [new EventTooLongError('long'), true, 'LLM_TRUNCATED'],
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
    const { detail } = toRefusalError(refusal, new Date())
    expect(detail).toHaveLength(501)
    expect(detail.startsWith('status 500: xxx')).toBe(true)
  })
})
