import type { Request, Response } from 'express'
import type { GatewayOptions } from '../context.ts'
import { isHttps } from './security.ts'

const MAX_COOKIE_LENGTH = 1024

/** A cookie that scripts cannot read and that is sent only to one route. */
export interface RouteCookie {
  read(request: Pick<Request, 'headers'>): string | undefined
  /** Sets it anew, or removes it if `value` is undefined. */
  write(response: Response, value: string | undefined, maxAgeMs: number): void
}

/**
 * Over https the name begins with `__Host-`: browsers then take the cookie from this very host only,
 * and another host of the domain cannot make a visitor someone else (RFC 6265bis, 4.1.3.2). Such a
 * cookie has no path of its own, so its name tells two installations on one host apart.
 */
export function createRouteCookie(
  { publicUrl, pathPrefix }: Pick<GatewayOptions['server'], 'publicUrl' | 'pathPrefix'>,
  { name: bare, route }: { name: string; route: string },
): RouteCookie {
  const secure = isHttps(publicUrl)
  const plain = `${bare}${pathPrefix.replaceAll('/', '-')}`
  const name = secure ? `__Host-${plain}` : plain
  const path = secure ? '/' : `${pathPrefix}/api${route}`
  const attributes = { httpOnly: true, sameSite: 'strict', secure, path } as const
  return {
    read: (request) => readCookie(request, name),
    write(response, value, maxAgeMs) {
      if (value === undefined) response.clearCookie(name, attributes)
      else response.cookie(name, value, { ...attributes, maxAge: maxAgeMs })
    },
  }
}

export function readCookie(
  { headers }: Pick<Request, 'headers'>,
  wanted: string,
): string | undefined {
  for (const pair of headers.cookie?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === wanted && value && value.length <= MAX_COOKIE_LENGTH) return value
  }
  return undefined
}
