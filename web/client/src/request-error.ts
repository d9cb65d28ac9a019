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
