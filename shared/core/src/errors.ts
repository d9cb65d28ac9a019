import type { ErrorCode, ErrorInfo } from '@chatbox/contract'

interface ErrorOptionsOf {
  /** Whether the same request may succeed later; by default what the code implies. */
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

/** An error that a user may be told of: `message` is shown as it is, the cause is for the log. */
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

/** Anything thrown, as an `AppError`; what is not one says nothing about itself to the outside. */
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

/** The same answer for an unknown thing and for somebody else's: the two cannot be told apart. */
export function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no such session, message or reply.')
}

/**
 * No waiting helps: an address that is none, or a database that is not for this program. The message
 * is one sentence for whoever starts it, without the address, which may hold a password.
 */
export class UnusableStoreError extends Error {
  override readonly name = 'UnusableStoreError'
}
