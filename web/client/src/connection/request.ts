import type { ErrorCode, ErrorInfo } from '@chatbox/contract'

/** The server's codes, and the client's own: no connection, or no answer in time. */
export type RequestErrorCode = ErrorCode | 'OFFLINE' | 'TIMEOUT'

/** The error of a failed request. Its message may be shown to a user. */
export class RequestError extends Error {
  readonly code: RequestErrorCode
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(info: Omit<ErrorInfo, 'code'> & { code: RequestErrorCode }) {
    super(info.message)
    this.name = 'RequestError'
    this.code = info.code
    this.retryable = info.retryable
    this.retryAfterMs = info.retryAfterMs
  }
}

/** Why something was refused, for a page to show. */
export interface Failure {
  code: RequestErrorCode
  message: string
  /** The time from which it may succeed, in ISO 8601, if the server has said it. */
  until?: string
}

export function toFailure({ code, message, retryAfterMs }: RequestError): Failure {
  if (retryAfterMs === undefined) return { code, message }
  return { code, message, until: new Date(Date.now() + retryAfterMs).toISOString() }
}

/** Converts any error into a `RequestError`. The message of an unknown error is never shown. */
export function toRequestError(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown
  return new RequestError({ code: 'INTERNAL', message: 'Something went wrong.', retryable: true })
}

const HTTP_TIMEOUT_MS = 10_000

/** Requests JSON from the server within 10 s. Rejects with `RequestError`. */
export async function requestJson(url: string, init: RequestInit): Promise<unknown> {
  const answer = await request(url, init, HTTP_TIMEOUT_MS)
  const body: unknown = await answer.json().catch(() => undefined)
  if (answer.ok && body !== undefined) return body
  throw new RequestError(toErrorInfo(body, answer.status))
}

/** Requests a change that the server answers with its status alone. Rejects with `RequestError`. */
export async function requestChange(url: string, init: RequestInit): Promise<void> {
  const answer = await request(url, init, HTTP_TIMEOUT_MS)
  if (answer.ok) return
  throw new RequestError(toErrorInfo(await answer.json().catch(() => undefined), answer.status))
}

/** As long as the server sends one. */
const FILE_TIMEOUT_MS = 10 * 60_000

/** Requests a whole file from the server. Rejects with `RequestError`, also if it breaks off. */
export async function requestFile(url: string, init: RequestInit): Promise<Blob> {
  const answer = await request(url, init, FILE_TIMEOUT_MS)
  if (!answer.ok) {
    throw new RequestError(toErrorInfo(await answer.json().catch(() => undefined), answer.status))
  }
  return await answer.blob().catch(() => {
    const message = 'The file could not be read to its end.'
    throw new RequestError({ code: 'UNAVAILABLE', message, retryable: true })
  })
}

async function request(url: string, init: RequestInit, timeoutMs: number): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMs)
  return await fetch(url, { ...init, signal }).catch(() => {
    const message = 'The server cannot be reached.'
    throw new RequestError({ code: 'OFFLINE', message, retryable: true })
  })
}

function toErrorInfo(body: unknown, status: number): ErrorInfo {
  const error = (body as { error?: Partial<ErrorInfo> } | undefined)?.error
  if (typeof error?.code === 'string' && typeof error.message === 'string') {
    const { code, message, retryable = false } = error
    return { ...error, code, message, retryable }
  }
  // Something in between has answered, for example a proxy whose server is down.
  const code = status === 429 ? 'TOO_MANY_REQUESTS' : 'UNAVAILABLE'
  return { code, message: 'The server cannot answer now.', retryable: true }
}
