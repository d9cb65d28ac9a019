import { LlmError } from '@chatbox/core'
import type { z } from 'zod'
import type { Refusal } from '../protocols/protocol.ts'

/** What a provider refused with `status`: too many, or a fault of its own, may pass; the rest will not. */
export function toRefusalError({ status, headers, text }: Refusal): LlmError {
  const retryable = status === 408 || status === 425 || status === 429 || status >= 500
  const retryAfterMs = retryable ? parseRetryAfter(headers['retry-after'], new Date()) : undefined
  return new LlmError('LLM_UNAVAILABLE', toDetail(`status ${status}: ${text}`), {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** The longest wait that a provider's `Retry-After` may ask for. */
const MAX_RETRY_AFTER_MS = 60_000

/**
 * A `Retry-After` header in milliseconds, in either of its forms, seconds or an HTTP date; capped,
 * since a provider's word must not park a user's question for an hour. What is neither is ignored.
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

/** `Date.parse` reads far more than a date: a bare year, or "a 1". */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/

/** An error that the provider stated within its stream. */
export function toStatedError(what: string, retryable: boolean): LlmError {
  return new LlmError('LLM_UNAVAILABLE', toDetail(`in the stream: ${what}`), { retryable })
}

/** The stream stopped being a reply before the reply was whole. */
export function toCutError(why: string, cause?: unknown): LlmError {
  return new LlmError('LLM_TRUNCATED', toDetail(why), { retryable: true, cause })
}

/** The provider ended the reply on purpose, so that asking again would end the same way. */
export function toLimitError(why: string): LlmError {
  return new LlmError('LLM_TRUNCATED', toDetail(why), { retryable: false })
}

/** An answer that is no event stream at all: the address is most likely not that of a model. */
export function toNonsenseError(why: string): LlmError {
  return new LlmError('LLM_UNAVAILABLE', toDetail(why), { retryable: false })
}

/** Whatever the transport threw; `begun` says whether the provider had begun to answer. */
export function toTransportError(thrown: unknown, begun: boolean): LlmError {
  if (thrown instanceof LlmError) return thrown
  const detail = toDetail(describe(thrown))
  if (codeOf(thrown) === 'UND_ERR_CONNECT_TIMEOUT') {
    return new LlmError('LLM_TIMEOUT', detail, { retryable: true, cause: thrown })
  }
  if (begun) return toCutError(detail, thrown)
  return new LlmError('LLM_UNAVAILABLE', detail, { retryable: true, cause: thrown })
}

/** One event's data as `schema` has it. The data itself stays out of the error: it is a user's text. */
export function parseEvent<T>(schema: z.ZodType<T>, data: string): T {
  const result = schema.safeParse(toJson(data))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw toCutError(`unreadable event at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`)
}

/** How much of what a provider said goes into the log. */
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
