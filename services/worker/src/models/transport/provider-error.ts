import { LlmError } from '@chatbox/core'
import type { z } from 'zod'
import type { Refusal } from '../protocols/protocol.ts'
import { isForbidden, isTooLong, saysForbidden, saysTooLong } from './refused-input.ts'
import { parseRetryAfter } from './retry-after.ts'
import { readStatedError, type StatedError } from './stated-error.ts'

/**
 * Converts a refusal. Too many requests and faults of the provider are retryable. It states a limit
 * if it says that there are too many requests, or that it is busy until a certain time. A used-up
 * quota comes as 429 too, but no waiting helps (OpenAI's guide to error codes).
 */
export function toRefusalError({ status, headers, text }: Refusal): LlmError {
  const { code } = readStatedError(toJson(text))
  const detail = `status ${status}${code ? ` ${code}` : ''}`
  const said = toSaid(text)
  if (isTooLong({ status, text })) {
    return new LlmError('LLM_TOO_LONG', detail, { retryable: false, said })
  }
  const mayBeHistory = isForbidden({ status, text })
  const isUsedUp = status === 429 && USED_UP.has(code ?? '')
  const retryable = !isUsedUp && isPassing(status)
  const retryAfterMs = retryable ? parseRetryAfter(headers['retry-after'], new Date()) : undefined
  return new LlmError('LLM_UNAVAILABLE', detail, {
    retryable,
    mayBeHistory,
    said,
    isLimit: retryable && isLimit(status, retryAfterMs),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function isLimit(status: number, retryAfterMs: number | undefined): boolean {
  return status === 429 || (BUSY.has(status) && retryAfterMs !== undefined)
}

/** Codes of a quota that is used up. */
const USED_UP: ReadonlySet<string> = new Set([
  'billing_error',
  'insufficient_quota',
  'provider_quota_exceeded',
])
/** Anthropic answers 529 when it is overloaded. */
const BUSY: ReadonlySet<number> = new Set([503, 529])

/** Converts an error that the provider states within its answer, in any of its forms. */
export function toStatedError(error: StatedError): LlmError {
  const { status, code, retryable = true, text = '' } = error
  const words = ['stated in the stream', ...(status ? [`status ${status}`] : []), code ?? '']
  const detail = words.join(' ').trim()
  const said = text === '' ? {} : { said: toSaid(text) }
  if (saysTooLong(text)) return new LlmError('LLM_TOO_LONG', detail, { retryable: false, ...said })
  return new LlmError('LLM_UNAVAILABLE', detail, {
    retryable: status === undefined ? retryable : isPassing(status),
    mayBeHistory: saysForbidden(text),
    ...said,
  })
}

function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500
}

/** Creates the error for a stream that broke before the reply was complete. */
export function toCutError(why: string, cause?: unknown): LlmError {
  return new LlmError('LLM_TRUNCATED', why, { retryable: true, cause })
}

/** Creates the error for a reply cut on purpose, which a retry would not change. */
export function toLimitError(why: string, said?: string): LlmError {
  return new LlmError('LLM_TRUNCATED', why, {
    retryable: false,
    ...(said === undefined ? {} : { said: toSaid(said) }),
  })
}

/** Creates the error for an answer that holds no reply: the address is probably wrong. */
export function toNonsenseError(why: string, said?: string): LlmError {
  return new LlmError('LLM_UNAVAILABLE', why, {
    retryable: false,
    ...(said === undefined ? {} : { said: toSaid(said) }),
  })
}

/** Converts any error of the transport. `begun` tells whether the provider had begun to answer. */
export function toTransportError(thrown: unknown, begun: boolean): LlmError {
  if (thrown instanceof LlmError) return thrown
  const detail = toSaid(describe(thrown))
  if (begun) return toCutError(detail, thrown)
  return new LlmError('LLM_UNAVAILABLE', detail, { retryable: true, cause: thrown })
}

/** Converts the part of an event that holds text. The error leaves it out: it is a user's text. */
export function parseEvent<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw toCutError(`unreadable event at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`)
}

/** The maximum length of a provider's text in the log. */
const SAID_LENGTH = 500

function toSaid(text: string): string {
  return text.length > SAID_LENGTH ? `${text.slice(0, SAID_LENGTH)}…` : text
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
  return code ? `${code}: ${thrown.message}` : thrown.message
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
