import { describe, expect, it } from '@jest/globals'
import { MongoNetworkError, MongoServerError, MongoWriteConcernError } from 'mongodb'
import { unavailable } from '../client/errors.ts'
import { fromKeptFailure, keepFailure, toStepError } from './steps.ts'

const STEP = { name: 'a step' }
const REFUSED = `the schema's step "a step" cannot be done, MongoDB refuses it: `

function serverError(code: number, message = 'said', errorLabels: string[] = []) {
  return new MongoServerError({ message, code, errorLabels })
}

describe('toStepError', () => {
  it.each([
    [serverError(11_000), 'said (code 11000)'],
    [
      serverError(11_000, 'E11000 error index: log dup key: { sessionId: "marker", seq: 1 }'),
      'E11000 error index: log (code 11000)',
    ],
    [
      serverError(13, 'not authorized to execute command { marker: 1 }\nmarker'),
      'command (code 13)',
    ],
    [serverError(16_746, 'ambiguous for array: [ marker ]'), 'ambiguous for array (code 16746)'],
    [serverError(67, '{ marker }'), 'no reason (code 67)'],
  ])('is final where the server refuses: %s', (error, end) => {
    const found = toStepError(error, STEP)
    expect(found).toMatchObject({ name: 'UnusableStoreError' })
    expect((found as Error).message).toMatch(new RegExp(`^${REFUSED}`))
    expect((found as Error).message.endsWith(end)).toBe(true)
    expect((found as Error).message).not.toContain('marker')
  })

  it.each([
    ['a node that is no longer the primary', serverError(10_107)],
    ['a node that ends', serverError(11_600)],
    ['a limit of time', serverError(50)],
    ['a label', serverError(11_000, 'said', ['RetryableWriteError'])],
    [
      'replicas that are slow',
      new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 64, errmsg: 'said' } }),
    ],
    ['a network', new MongoNetworkError('said')],
  ] satisfies [string, Error][])('may pass where the reason is %s', (_, error: Error) => {
    expect(toStepError(error, STEP)).toMatchObject({ code: 'UNAVAILABLE', cause: error })
  })

  it('leaves a fault of the program as it is', () => {
    const fault = new TypeError('x is not a function')
    expect(toStepError(fault, STEP)).toBe(fault)
  })
})

describe('a failure that is kept', () => {
  it('means the same to another process', () => {
    const final = toStepError(serverError(11_000), STEP)
    expect(keepFailure(final)).toEqual({ reason: (final as Error).message, isFinal: true })
    const passing = keepFailure(unavailable(serverError(24, 'no lock { marker: 1 }')))
    expect(passing).toEqual({
      reason: 'a step of the schema failed: no lock (code 24)',
      isFinal: false,
    })
  })

  it.each([
    [true, { name: 'UnusableStoreError', message: 'said' }],
    [false, { code: 'UNAVAILABLE', cause: new Error('said') }],
  ])('is thrown again: final %s', (isFinal, expected) => {
    expect(fromKeptFailure({ reason: 'said', isFinal })).toMatchObject(expected)
  })

  it('is none for a fault of the program', () => {
    expect(keepFailure(new TypeError('x is not a function'))).toBeUndefined()
  })
})
