import { AppError } from '@chatbox/core'
import { MongoError, MongoServerError } from 'mongodb'

const DUPLICATE_KEY = 11_000
const NAMESPACE_NOT_FOUND = 26
const INDEX_NOT_FOUND = 27
const COMMAND_NOT_FOUND = 59
/** What the server says of a request that is wrong in itself: no outage, so it is not hidden. */
const FAULTY_REQUEST_CODES = new Set<unknown>([
  2, // BadValue
  9, // FailedToParse
  14, // TypeMismatch
  COMMAND_NOT_FOUND,
])

/**
 * Runs `work` and rejects with `UNAVAILABLE` when it takes longer. The driver's own limits do not
 * add up to one: finding a server, waiting for a connection and the command itself count apart.
 * `work` is left to itself then.
 */
export async function withinDeadline<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(unavailable()), timeoutMs)
  try {
    return await Promise.race([work(), late.promise])
  } catch (error) {
    throw toStoreError(error)
  } finally {
    clearTimeout(timer)
  }
}

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY
}

export function isIndexNotFound(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === INDEX_NOT_FOUND
}

export function isNamespaceNotFound(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND
}

export function unavailable(cause?: unknown): AppError {
  return new AppError('UNAVAILABLE', 'Messages cannot be stored or read now.', { cause })
}

/** `UNAVAILABLE` for what the driver throws of a store that is away or refuses a command. */
export function toStoreError(error: unknown): unknown {
  if (isSystemError(error)) return unavailable(error)
  if (!(error instanceof MongoError)) return error
  return FAULTY_REQUEST_CODES.has(error.code) ? error : unavailable(error)
}

/** A socket's error, which the driver passes on as it is where a write fails. */
function isSystemError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error
}

export function isCommandNotFound(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === COMMAND_NOT_FOUND
}
