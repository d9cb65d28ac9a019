import type { ErrorCode, ErrorInfo } from '@chatbox/contract'

/** What the server says, and what only the client can know: no connection, or no answer in time. */
export type RequestErrorCode = ErrorCode | 'OFFLINE' | 'TIMEOUT'

/** Why a request was not done. Its message is fit for a user. */
export class RequestError extends Error {
  readonly code: RequestErrorCode
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly requestId: string | undefined

  constructor(info: Omit<ErrorInfo, 'code'> & { code: RequestErrorCode }) {
    super(info.message)
    this.name = 'RequestError'
    this.code = info.code
    this.retryable = info.retryable
    this.retryAfterMs = info.retryAfterMs
    this.requestId = info.requestId
  }
}

/** Any thrown value as a `RequestError`; the text of an unknown one is never shown. */
export function toRequestError(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown
  return new RequestError({
    code: 'INTERNAL',
    message: 'Something went wrong.',
    retryable: true,
  })
}

export interface Refusal {
  code: RequestErrorCode
  retryAfterMs: number
}

/** Why a connection was refused: the code in the `data` of a `connect_error`, or of a token that could not be had. */
export function toRefusal(error: unknown): Refusal {
  const { data, code, retryAfterMs } = asRecord(error)
  const said = asRecord(data)
  const found = typeof said.code === 'string' ? said : { code, retryAfterMs }
  return {
    code: isCode(found.code) ? found.code : 'OFFLINE',
    retryAfterMs: typeof found.retryAfterMs === 'number' ? found.retryAfterMs : 0,
  }
}

const CODES: readonly unknown[] = [
  'UNAUTHORIZED',
  'TOKEN_EXPIRED',
  'FORBIDDEN',
  'CONNECTION_LIMIT',
  'TOO_MANY_REQUESTS',
  'UNAVAILABLE',
  'INTERNAL',
] satisfies RequestErrorCode[]

function isCode(value: unknown): value is RequestErrorCode {
  return CODES.includes(value)
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
