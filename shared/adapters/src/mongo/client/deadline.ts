import { AppError, within } from '@chatbox/core'
import { MongoError, MongoServerError } from 'mongodb'
import { MESSAGE_INDEXES, SESSION_INDEXES } from '../schema/indexes.ts'
import { findFault, StoreFault } from './store-fault.ts'

const DUPLICATE_KEY = 11_000
const NAMESPACE_NOT_FOUND = 26
const COMMAND_NOT_FOUND = 59
const ID_INDEX = '_id_'
const UNIQUE_INDEXES = new Set([
  ID_INDEX,
  ...[...SESSION_INDEXES, ...MESSAGE_INDEXES]
    .filter(({ unique }) => unique)
    .map(({ name }) => name),
])

/**
 * Runs `work` and rejects with `UNAVAILABLE` when it takes longer or the store is away, and with a `StoreFault` where no waiting helps. The driver's own limits do not
 * add up to one: finding a server, waiting for a connection and the command itself count apart.
 * `work` is left to itself then.
 */
export async function withinDeadline<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await within(timeoutMs, work(), unavailable)
  } catch (error) {
    throw toStoreError(error)
  }
}

/** Of an index of ours: another one's says nothing about who was first. Not every server names it. */
export function isDuplicateKey(error: unknown): boolean {
  if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) return false
  const index = findIndexName(error)
  return index === undefined || UNIQUE_INDEXES.has(index)
}

/** Of a duplicate key: whether it is the document's own id. */
export function isDuplicateId(error: unknown): boolean {
  return error instanceof MongoServerError && findIndexName(error) === ID_INDEX
}

function findIndexName({ message }: MongoServerError): string | undefined {
  return / index: (\S+)/u.exec(message)?.[1]
}

export function isNamespaceNotFound(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND
}

export function unavailable(cause?: unknown): AppError {
  return new AppError('UNAVAILABLE', 'Messages cannot be stored or read now.', { cause })
}

/** `UNAVAILABLE` for what the driver throws of a store that is away, else a `StoreFault`. */
export function toStoreError(error: unknown): unknown {
  if (isSystemError(error)) return unavailable(error)
  if (!(error instanceof MongoError)) return error
  const reason = findFault(error)
  return reason === undefined ? unavailable(error) : new StoreFault(reason)
}

/** A socket's error, which the driver passes on as it is where a write fails. */
function isSystemError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error
}

export function isCommandNotFound(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === COMMAND_NOT_FOUND
}
