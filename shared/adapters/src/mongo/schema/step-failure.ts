import { toAppError } from '@chatbox/core'
import { MongoServerError, MongoWriteConcernError } from 'mongodb'
import { UnusableStoreError } from '../../common/unusable-store-error.ts'
import { toStoreError, unavailable } from '../deadline.ts'

/** Of a failover, a node that ends, a limit of time or somebody else's work: later it may succeed. */
const PASSING_CODES = new Set<unknown>([
  6, // HostUnreachable
  7, // HostNotFound
  24, // LockTimeout
  43, // CursorNotFound
  46, // LockBusy
  50, // MaxTimeMSExpired
  63, // StaleShardVersion
  89, // NetworkTimeout
  91, // ShutdownInProgress
  112, // WriteConflict
  117, // ConflictingOperationInProgress
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  150, // StaleEpoch
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  262, // ExceededTimeLimit
  276, // IndexBuildAborted
  391, // ReauthenticationRequired
  9001, // SocketException
  10_058, // LegacyNotPrimary
  10_107, // NotWritablePrimary
  11_600, // InterruptedAtShutdown
  11_601, // Interrupted
  11_602, // InterruptedDueToReplStateChange
  12_586, // BackgroundOperationInProgressForDatabase
  12_587, // BackgroundOperationInProgressForNamespace
  13_388, // StaleConfig
  13_435, // NotPrimaryNoSecondaryOk
  13_436, // NotPrimaryOrSecondary
])

/** With one of them the server, or the driver for a connection that it opens, says so itself. */
const PASSING_LABELS = [
  'HandshakeError',
  'RetryableError',
  'RetryableWriteError',
  'SystemOverloadedError',
  'TransientTransactionError',
]

const MAX_REASON_CHARS = 300

/**
 * What a step's failure means for whoever wants it done: an `UnusableStoreError` in one sentence where
 * the server refused it and would again, `UNAVAILABLE` where it may succeed later, and any other
 * error as it is.
 */
export function toStepError(error: unknown, step: { name: string }): unknown {
  if (!isRefused(error)) return toStoreError(error)
  return new UnusableStoreError(
    `the schema's step "${step.name}" cannot be done, MongoDB refuses it: ${toReason(error)}`,
  )
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

function isRefused(error: unknown): error is MongoServerError {
  return (
    error instanceof MongoServerError &&
    !(error instanceof MongoWriteConcernError) &&
    !PASSING_CODES.has(error.code) &&
    !PASSING_LABELS.some((label) => error.hasErrorLabel(label))
  )
}

/** Without what a server quotes in brackets: commands, and keys with their values. */
function toReason({ message, code }: MongoServerError): string {
  const [line = ''] = message.split('\n', 1)
  const [said = ''] = line.slice(0, MAX_REASON_CHARS).split(/[{[]/u, 1)
  const text = said.replace(/(?: dup key)?[\s:,]*$/u, '')
  return `${text || 'no reason'} (code ${code ?? 'unknown'})`
}
