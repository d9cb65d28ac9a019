import { LlmError } from '@chatbox/core'
import type { z } from 'zod'
import type { Refusal } from '../protocols/protocol.ts'
import { isForbidden, isTooLong, saysForbidden, saysTooLong } from './refused-input.ts'

/** Converts a refusal. Too many requests and faults of the provider are retryable. */
export function toRefusalError({ status, headers, text }: Refusal): LlmError {
  if (isTooLong({ status, text })) {
    return new LlmError('LLM_TOO_LONG', toDetail(`status ${status}: ${text}`), { retryable: false })
  }
  const mayBeHistory = isForbidden({ status, text })
  const retryable = status === 408 || status === 425 || status === 429 || status >= 500
  const retryAfterMs = retryable ? parseRetryAfter(headers['retry-after'], new Date()) : undefined
  return new LlmError('LLM_UNAVAILABLE', toDetail(`status ${status}: ${text}`), {
    retryable,
    mayBeHistory,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** The upper limit for a provider's `Retry-After`. */
const MAX_RETRY_AFTER_MS = 60_000

/**
 * Parses a `Retry-After` header, in seconds or as an HTTP date, into milliseconds. The result is
 * capped, because a provider must not delay a user's question for an hour. Invalid values are
 * ignored.
 */
export function parseRetryAfter(
  header: string | string[] | undefined,
  now: Date,
): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim() ?? ''
  const waitMs = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1000
    : HTTP_DATE.test(value)
      ? Date.parse(value) - now.getTime()
      : Number.NaN
  if (Number.isNaN(waitMs)) return undefined
  return Math.min(Math.max(Math.ceil(waitMs), 0), MAX_RETRY_AFTER_MS)
}

/** `Date.parse` accepts far more than HTTP dates: a bare year, or "a 1". */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/

/** Creates the error for a failure that the provider reports within its stream. */
export function toStatedError(what: string, retryable: boolean): LlmError {
  if (saysTooLong(what)) {
    return new LlmError('LLM_TOO_LONG', toDetail(`in the stream: ${what}`), { retryable: false })
  }
  const mayBeHistory = saysForbidden(what)
  return new LlmError('LLM_UNAVAILABLE', toDetail(`in the stream: ${what}`), {
    retryable,
    mayBeHistory,
  })
}

/** Creates the error for a stream that broke before the reply was complete. */
export function toCutError(why: string, cause?: unknown): LlmError {
  return new LlmError('LLM_TRUNCATED', toDetail(why), { retryable: true, cause })
}

/** Creates the error for a reply cut on purpose, which a retry would not change. */
export function toLimitError(why: string): LlmError {
  return new LlmError('LLM_TRUNCATED', toDetail(why), { retryable: false })
}

/** Creates the error for an answer that is no event stream: the address is probably wrong. */
export function toNonsenseError(why: string): LlmError {
  return new LlmError('LLM_UNAVAILABLE', toDetail(why), { retryable: false })
}

/** Converts any error of the transport. `begun` tells whether the provider had begun to answer. */
export function toTransportError(thrown: unknown, begun: boolean): LlmError {
  if (thrown instanceof LlmError) return thrown
  const detail = toDetail(describe(thrown))
  if (codeOf(thrown) === 'UND_ERR_CONNECT_TIMEOUT') {
    return new LlmError('LLM_TIMEOUT', detail, { retryable: true, cause: thrown })
  }
  if (begun) return toCutError(detail, thrown)
  return new LlmError('LLM_UNAVAILABLE', detail, { retryable: true, cause: thrown })
}

/** Parses an event's data. The error leaves out the data because it is a user's text. */
export function parseEvent<T>(schema: z.ZodType<T>, data: string): T {
  const result = schema.safeParse(toJson(data))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw toCutError(`unreadable event at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`)
}

/** The maximum length of a provider's text in the log. */
const DETAIL_LENGTH = 500

function toDetail(text: string): string {
  return text.length > DETAIL_LENGTH ? `${text.slice(0, DETAIL_LENGTH)}…` : text
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const code = codeOf(thrown)
  return code ? `${code}: ${thrown.message}` : thrown.message
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined
}

function toJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
