import type { ErrorInfo, Session } from '@chatbox/contract'
import type { GetToken } from './connection.ts'
import { RequestError } from './request-error.ts'

interface SessionList {
  items: Session[]
  nextCursor: string | null
}

export interface HttpApi {
  /** The caller's own sessions, latest activity first. */
  listSessions(cursor?: string): Promise<SessionList>
}

const TIMEOUT_MS = 10_000
const PAGE = 30

/** The parts of the HTTP API that a client of one user needs. All reject with `RequestError`. */
export function createHttpApi(baseUrl: string, getToken: GetToken): HttpApi {
  return {
    async listSessions(cursor) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(cursor ? { cursor } : {}) })
      const token = await getToken({ renew: false })
      const headers = { authorization: `Bearer ${token}` }
      return (await requestJson(`${baseUrl}/api/sessions?${query}`, { headers })) as SessionList
    },
  }
}

/** A JSON answer of the server, waited for at most 10 s. Rejects with `RequestError`. */
export async function requestJson(url: string, init: RequestInit): Promise<unknown> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    () => {
      throw new RequestError({
        code: 'OFFLINE',
        message: 'The server cannot be reached.',
        retryable: true,
      })
    },
  )
  const body: unknown = await answer.json().catch(() => undefined)
  if (answer.ok && body !== undefined) return body
  throw new RequestError(toErrorInfo(body, answer.status))
}

function toErrorInfo(body: unknown, status: number): ErrorInfo {
  const error = (body as { error?: Partial<ErrorInfo> } | undefined)?.error
  if (typeof error?.code === 'string' && typeof error.message === 'string') {
    return {
      ...error,
      code: error.code,
      message: error.message,
      retryable: error.retryable ?? false,
    }
  }
  // Something between us and the server answered, such as a proxy whose server is away.
  return {
    code: status === 429 ? 'TOO_MANY_REQUESTS' : 'UNAVAILABLE',
    message: 'The server cannot answer now.',
    retryable: true,
  }
}
