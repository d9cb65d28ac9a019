import { describe, expect, it } from '@jest/globals'
import { ERROR_CODES, errorInfoSchema } from '@chatbox/contract'
import { AppError, notFound, toAppError, toErrorInfo } from './errors.ts'
import { LlmError } from './ports/llm.ts'

describe('AppError', () => {
  it('is retryable as its code implies, unless it says otherwise', () => {
    expect(new AppError('UNAVAILABLE', 'Away.').retryable).toBe(true)
    expect(new AppError('NOT_FOUND', 'None.').retryable).toBe(false)
    expect(new AppError('LLM_UNAVAILABLE', 'No.', { retryable: false }).retryable).toBe(false)
    expect(new AppError('CONFLICT', 'Not now.', { retryable: true }).retryable).toBe(true)
  })

  it('keeps the cause for the log and out of what is sent', () => {
    const error = new AppError('INTERNAL', 'Sorry.', { cause: new Error('password in it') })
    expect(error.cause).toEqual(new Error('password in it'))
    expect(JSON.stringify(toErrorInfo(error))).not.toContain('password')
  })
})

describe('toAppError', () => {
  it('leaves an AppError as it is, subclasses included', () => {
    const known = notFound()
    const llm = new LlmError('LLM_TIMEOUT', 'no token for 30 s', { retryable: true })
    expect(toAppError(known)).toBe(known)
    expect(toAppError(llm)).toBe(llm)
  })

  it.each([new TypeError('x is not a function'), 'text', undefined, null, { code: 'NOT_FOUND' }])(
    'makes a generic internal error of %p',
    (thrown) => {
      const error = toAppError(thrown)
      expect(error.code).toBe('INTERNAL')
      expect(error.message).toBe('Something went wrong on our side.')
      expect(error.cause).toBe(thrown)
    },
  )
})

describe('toErrorInfo', () => {
  it.each(ERROR_CODES)('gives %s the form of the wire', (code) => {
    const info = toErrorInfo(new AppError(code, 'What happened.', { retryAfterMs: 12.3 }), 'req-1')
    expect(errorInfoSchema.parse(info)).toEqual(info)
    expect(info).toMatchObject({ code, retryAfterMs: 13, requestId: 'req-1' })
  })

  it('leaves out what is not known', () => {
    expect(toErrorInfo(notFound())).toEqual({
      code: 'NOT_FOUND',
      message: 'There is no such session, message or reply.',
      retryable: false,
    })
  })

  it('never tells a provider detail', () => {
    const error = new LlmError('LLM_UNAVAILABLE', 'key sk-1 refused', { retryable: false })
    expect(error.detail).toBe('key sk-1 refused')
    expect(JSON.stringify(toErrorInfo(error))).not.toContain('sk-1')
  })
})
