import { AppError, UnusableStoreError } from '@chatbox/core'
import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type TopologyDescription,
} from 'mongodb'
import { DESK_ENTRY_INDEXES } from '../desk-documents.ts'
import { MESSAGE_INDEXES, SESSION_INDEXES } from '../documents.ts'

const DUPLICATE_KEY = 11_000
const NAMESPACE_NOT_FOUND = 26
const COMMAND_NOT_FOUND = 59
const ID_INDEX = '_id_'
const UNIQUE_INDEXES = new Set([
  ID_INDEX,
  ...[...SESSION_INDEXES, ...MESSAGE_INDEXES, ...DESK_ENTRY_INDEXES]
    .filter(({ unique }) => unique)
    .map(({ name }) => name),
])

/** Codes of failovers, stopping nodes, time limits and concurrent work. A later try may succeed. */
const PASSING_CODES = new Set<unknown>([
  6, // HostUnreachable
  7, // HostNotFound
  24, // LockTimeout
  43, // CursorNotFound
  46, // LockBusy
  50, // MaxTimeMSExpired
  63, // StaleShardVersion
  64, // WriteConcernTimeout
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

/**
 * With one of these labels the server or the driver says that a retry may help. `HandshakeError` is
 * not included, because a wrong password has it too.
 */
const PASSING_LABELS = [
  'RetryableError',
  'RetryableWriteError',
  'SystemOverloadedError',
  'TransientTransactionError',
]

/**
 * The driver's own errors for no connection or a closed one. The driver does not export all of
 * them.
 */
const PASSING_NAMES = new Set([
  'MongoClientClosedError',
  'MongoExpiredSessionError',
  'MongoNotConnectedError',
  'MongoOperationTimeoutError',
  'MongoPoolClosedError',
  'MongoServerClosedError',
  'MongoStalePrimaryError',
  'MongoTopologyClosedError',
  'MongoWaitQueueTimeoutError',
])

const MAX_REASON_CHARS = 300

/** MongoDB refuses this and will refuse it again. The message contains nothing from a document. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault'
  readonly reason: string

  constructor(reason: string) {
    super(`MongoDB refuses it: ${reason}`)
    this.reason = reason
  }
}

export function unavailable(cause?: unknown): AppError {
  return new AppError('UNAVAILABLE', 'Messages cannot be stored or read now.', { cause })
}

/** Converts a driver error to `UNAVAILABLE` if the store is down, or to a `StoreFault`. */
export function toStoreError(error: unknown): unknown {
  if (isSystemError(error)) return unavailable(error)
  if (!(error instanceof MongoError)) return error
  const reason = findFault(error)
  return reason === undefined ? unavailable(error) : new StoreFault(reason)
}

/** Converts an error to one that tells an operator in one line what is wrong. */
export function toOpenError(thrown: unknown): unknown {
  const error = toStoreError(thrown)
  if (error instanceof StoreFault) {
    return new UnusableStoreError(`MongoDB cannot be used: ${error.reason}`)
  }
  if (!(error instanceof AppError)) return error
  const { cause } = error
  const [reason = ''] = cause instanceof Error ? cause.message.split('\n', 1) : []
  return new AppError('UNAVAILABLE', `MongoDB cannot be used: ${reason || 'no answer'}`, { cause })
}

/**
 * Returns a short reason if waiting does not help, or undefined if a later try may succeed. A
 * wrapping error is judged by the error inside it.
 */
export function findFault(error: MongoError): string | undefined {
  const inner = error instanceof MongoBulkWriteError ? error.errorResponse : error.cause
  if (inner instanceof MongoError) return findFault(inner)
  if (PASSING_LABELS.some((label) => error.hasErrorLabel(label))) return undefined
  if (error instanceof MongoServerSelectionError) return findMisplaced(error.reason)
  if (error instanceof MongoServerError) {
    return PASSING_CODES.has(error.code) ? undefined : toReason(error)
  }
  const isPassing = error instanceof MongoNetworkError || PASSING_NAMES.has(error.name)
  return isPassing ? undefined : toReason(error)
}

/** The driver drops every server of a replica set with another name. */
function findMisplaced(topology: TopologyDescription | undefined): string | undefined {
  if (!topology?.setName || topology.servers.size > 0) return undefined
  return `no member of the replica set "${topology.setName}" is at its address`
}

/** Omits what a server quotes in brackets: commands, and keys with their values. */
export function toReason({ message, code }: MongoError): string {
  const [line = ''] = message.split('\n', 1)
  const [said = ''] = line.slice(0, MAX_REASON_CHARS).split(/[{[]/u, 1)
  const text = said.replace(/(?: dup key)?[\s:,]*$/u, '') || 'no reason'
  return code === undefined ? text : `${text} (code ${code})`
}

/** The driver passes a socket's error on unchanged if a write fails. */
function isSystemError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error
}

/**
 * Counts only our indexes: another index says nothing about who was first. Not every server names
 * the index.
 */
export function isDuplicateKey(error: unknown): boolean {
  if (!hasCode(error, DUPLICATE_KEY)) return false
  const index = findIndexName(error)
  return index === undefined || UNIQUE_INDEXES.has(index)
}

/** Returns whether the duplicate key is the document's own id. */
export function isDuplicateId(error: unknown): boolean {
  return hasCode(error, DUPLICATE_KEY) && findIndexName(error) === ID_INDEX
}

function findIndexName({ message }: MongoServerError): string | undefined {
  return / index: (\S+)/u.exec(message)?.[1]
}

export function isNamespaceNotFound(error: unknown): boolean {
  return hasCode(error, NAMESPACE_NOT_FOUND)
}

export function isCommandNotFound(error: unknown): boolean {
  return hasCode(error, COMMAND_NOT_FOUND)
}

function hasCode(error: unknown, code: number): error is MongoServerError {
  return error instanceof MongoServerError && error.code === code
}
