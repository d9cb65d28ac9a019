import { toAppError, UnusableStoreError } from '@chatbox/core'
import { MongoServerError } from 'mongodb'
import { toStoreError, unavailable } from '../client/deadline.ts'
import { StoreFault, toReason } from '../client/store-fault.ts'

/**
 * What a step's failure means for whoever wants it done: an `UnusableStoreError` in one sentence where
 * the server refused it and would again, `UNAVAILABLE` where it may succeed later, and any other
 * error as it is.
 */
export function toStepError(thrown: unknown, step: { name: string }): unknown {
  const error = toStoreError(thrown)
  if (!(error instanceof StoreFault)) return error
  return new UnusableStoreError(`the schema's step "${step.name}" cannot be done, ${error.message}`)
}

/** A step's failure as the other processes learn of it. */
export interface KeptFailure {
  /** Without anything from a document. */
  reason: string
  /** Whether trying again is of no use. */
  isFinal: boolean
}

/** Undefined for what says nothing about the step, such as a signal to end. */
export function keepFailure(error: unknown): KeptFailure | undefined {
  if (error instanceof UnusableStoreError) return { reason: error.message, isFinal: true }
  if (toAppError(error).code !== 'UNAVAILABLE') return undefined
  const { cause } = toAppError(error)
  const reason = cause instanceof MongoServerError ? toReason(cause) : 'no answer'
  return { reason: `a step of the schema failed: ${reason}`, isFinal: false }
}

export function fromKeptFailure({ reason, isFinal }: KeptFailure): Error {
  return isFinal ? new UnusableStoreError(reason) : unavailable(new Error(reason))
}
