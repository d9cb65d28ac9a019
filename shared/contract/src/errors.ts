import { z } from 'zod'
import { openEnum } from './inside/later-versions.ts'
import { LIMITS, text } from './fields.ts'

/** Every error code on the wire and its HTTP status. */
export const ERROR_STATUS = {
  UNAUTHORIZED: 401,
  TOKEN_EXPIRED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  INVALID_FORMAT: 400,
  INVALID_MODEL: 400,
  INVALID_FILE: 415,
  SESSION_ENDED: 409,
  TOO_MANY_REQUESTS: 429,
  CONNECTION_LIMIT: 429,
  LLM_UNAVAILABLE: 503,
  LLM_TIMEOUT: 503,
  LLM_TRUNCATED: 503,
  LLM_TOO_LONG: 413,
  BUDGET_EXCEEDED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS
export const ERROR_CODES = Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]

/**
 * The only form in which an error leaves the system. Its text is generic; the details are in the
 * log.
 */
export const errorInfoSchema = z.object({
  code: openEnum(ERROR_CODES, 'INTERNAL'),
  message: text(0, LIMITS.errorMessageLength),
  retryable: z.boolean(),
  retryAfterMs: z.int().min(0).optional(),
  /** Finds the matching log lines. A user can quote it in a report. */
  requestId: z.string().max(LIMITS.idLength).optional(),
})
export type ErrorInfo = z.infer<typeof errorInfoSchema>
