import type { ErrorCode, ErrorInfo } from '@chatbox/contract'

interface ErrorOptionsOf {
  /** Whether the same request may succeed later. The default depends on the code. */
  retryable?: boolean
  retryAfterMs?: number
  cause?: unknown
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TOO_MANY_REQUESTS',
  'CONNECTION_LIMIT',
  'LLM_UNAVAILABLE',
  'LLM_TIMEOUT',
  'LLM_TRUNCATED',
  'UNAVAILABLE',
  'INTERNAL',
])

/** An error that may be shown to a user. `message` is shown as it is; the cause is only logged. */
export class AppError extends Error {
  override readonly name: string = 'AppError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptionsOf = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? RETRYABLE.has(code)
    this.retryAfterMs = options.retryAfterMs
  }
}

/**
 * Converts anything thrown to an `AppError`. The details of other errors stay hidden from clients.
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  return new AppError('INTERNAL', 'Something went wrong on our side.', { cause: thrown })
}

export function toErrorInfo(error: AppError, requestId?: string): ErrorInfo {
  return {
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(error.retryAfterMs) }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

/**
 * Returns the same error for a missing thing and for one that belongs to somebody else, so that a
 * client cannot tell them apart.
 */
export function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no such session, message or reply.')
}

/**
 * Waiting does not help: the address is invalid, or this program cannot use the database. The
 * message is one sentence for the operator, without the address, which may contain a password.
 */
export class UnusableStoreError extends Error {
  override readonly name = 'UnusableStoreError'
}
