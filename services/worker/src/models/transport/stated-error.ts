/** What is known of an error that a provider states. */
export interface StatedError {
  /** The status that the error would have had before the answer began, 400 to 599. */
  status?: number
  /** One of `CODES`: nothing else of an error may enter a log, because it can quote the user. */
  code?: string
  /** Whether the same question may succeed later, if the code tells. */
  retryable?: boolean
  /** All of it, to see what it is about, and for the log at `debug`. */
  text?: string
}

/** Codes and types of errors, and whether the same question may succeed later. */
const CODES: ReadonlyMap<string, boolean> = new Map([
  ...toEntries(true, [
    'api_error',
    'engine_overloaded',
    'internal_error',
    'internal_server_error',
    'internalservererror',
    'overloaded',
    'overloaded_error',
    'rate_limit_error',
    'rate_limit_exceeded',
    'rate_limited',
    'server_error',
    'service_unavailable',
    'service_unavailable_error',
    'serviceunavailableerror',
    'timeout',
    'timeout_error',
    'too_many_requests',
  ]),
  ...toEntries(false, [
    'app_unavailable',
    'authentication_error',
    'badrequesterror',
    'billing_error',
    'content_filter',
    'content_policy_violation',
    'context_length_exceeded',
    'exceed_context_size_error',
    'insufficient_quota',
    'invalid_api_key',
    'invalid_param',
    'invalid_request',
    'invalid_request_error',
    'model_currently_not_support',
    'model_not_found',
    'not_found_error',
    'permission_error',
    'provider_not_initialize',
    'provider_quota_exceeded',
    'request_too_large',
    'unsupported_parameter',
    'unsupported_value',
  ]),
])

function toEntries(retryable: boolean, codes: readonly string[]): [string, boolean][] {
  return codes.map((code) => [code, retryable])
}

/**
 * Returns the error that an event states, or undefined if it states none. The forms: an event named
 * `error` with any data, `{"error": …}` of most servers, `{"object": "error"}` of vLLM and Mistral,
 * `{"type": "error"}` of Anthropic, `{"event": "error"}` of Dify.
 */
export function findStatedError(json: object | undefined, name: string): StatedError | undefined {
  const { error, object, type, event } = (json ?? {}) as Record<string, unknown>
  const isError = [name, object, type, event].includes('error') || Boolean(error)
  return isError ? readStatedError(json) : undefined
}

/** Reads an error, or what wraps one, but not its text: an object with `error`, a word, or anything else. */
export function readStatedError(value: unknown): StatedError {
  if (typeof value !== 'object' || value === null) return readWords([value])
  const fields = value as Record<string, unknown>
  const inner = typeof fields.error === 'object' && fields.error ? fields.error : {}
  const { code, type, status } = inner as Record<string, unknown>
  return readWords([status, code, type, fields.status, fields.code, fields.type])
}

function readWords(said: readonly unknown[]): StatedError {
  const words = said.map(toWord)
  const status = words.map(toStatus).find((one) => one !== undefined)
  const code = words.map((word) => word.toLowerCase()).find((word) => CODES.has(word))
  const retryable = code === undefined ? undefined : CODES.get(code)
  return {
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    ...(retryable === undefined ? {} : { retryable }),
  }
}

/** No code is longer. A provider may state anything in its place, of any length. */
const WORD_LENGTH = 100

/** Some servers write the status as a text. Mistral's own codes are numbers, too. */
function toWord(said: unknown): string {
  if (typeof said === 'number') return String(said)
  return typeof said === 'string' && said.length <= WORD_LENGTH ? said : ''
}

function toStatus(word: string): number | undefined {
  const number = Number(word)
  return Number.isInteger(number) && number >= 400 && number <= 599 ? number : undefined
}
