import { errorBodySchema, type ErrorCode } from '@chatbox/contract'
import type { GatewayHarness } from './gateway-harness.ts'

export const API = '/chatbox/api'

export interface Asked extends RequestInit {
  token?: string | undefined
  /** `http://127.0.0.1:PORT` of another gateway than the file's own. */
  url?: string
}

/** Asks a gateway for `route`, without following redirects. */
export async function askHttp(
  h: Pick<GatewayHarness, 'gateway'>,
  route: string,
  { token, url, ...init }: Asked = {},
): Promise<Response> {
  const headers = new Headers(init.headers)
  if (token) headers.set('authorization', `Bearer ${token}`)
  return await fetch(`${url ?? h.gateway.url}${route}`, { redirect: 'manual', ...init, headers })
}

/** The one error of a refusal, which must be of the contract and name its request. */
export async function readRefusal(
  response: Response,
): Promise<{ status: number; code: ErrorCode }> {
  const { error } = errorBodySchema.parse(await response.json())
  if (error.requestId !== response.headers.get('x-request-id')) {
    throw new Error('the refusal does not name its request')
  }
  return { status: response.status, code: error.code }
}
