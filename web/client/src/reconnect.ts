import type { RequestErrorCode } from './request-error.ts'

const BASE_MS = 500
const MAX_MS = 10_000

/**
 * Milliseconds before try `failures` (1 is the first one again): a doubling ceiling, of which up to
 * half is taken off at random, so that many who lost a server together do not come back together.
 */
export function reconnectDelayMs(failures: number, random: () => number): number {
  const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(failures - 1, 10))
  return Math.round(ceiling * (1 - random() * 0.5))
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
