import { AppError } from '@chatbox/core'
import type { Request, RequestHandler } from 'express'
import helmet from 'helmet'
import type { Context, GatewayOptions } from '../context.ts'

const HSTS_MAX_AGE_S = 365 * 24 * 60 * 60
const PREFLIGHT_MAX_AGE_S = 600

/** Headers of every answer. No page runs a script or style that is not a file of ours. */
export function createSecurityHeaders({ options }: Context): RequestHandler {
  const { publicUrl, hsts } = options.server
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'", ...toSocketSources(publicUrl)],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        // Markup reaches a page through the sanitizer's own policy, or not at all.
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ['dompurify'],
      },
    },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
    // Only where it is asked for: the hosts below this one may be somebody else's.
    strictTransportSecurity:
      hsts === 'off' ? false : { maxAge: HSTS_MAX_AGE_S, includeSubDomains: hsts === 'subdomains' },
  })
}

/** Not every browser counts a socket to the same host as `'self'`. */
function toSocketSources(publicUrl: string | undefined): string[] {
  if (publicUrl === undefined) return []
  const { host } = new URL(publicUrl)
  return [`${isHttps(publicUrl) ? 'wss' : 'ws'}://${host}`]
}

export function isHttps(publicUrl: string | undefined): boolean {
  return publicUrl !== undefined && new URL(publicUrl).protocol === 'https:'
}

/**
 * Which pages may talk to this gateway: an exact comparison of scheme, host and port. A request
 * without any `Origin` header does not come from a page of a browser, and is let through: native
 * apps and servers send none, and the token decides. `null`, which sandboxed and local pages send,
 * is no origin and refused.
 */
export function createOriginCheck({
  allowedOrigins,
  publicUrl,
}: GatewayOptions['server']): Context['isAllowedOrigin'] {
  const own = publicUrl === undefined ? [] : [new URL(publicUrl).origin]
  const allowed = new Set([...allowedOrigins, ...own])
  allowed.delete('null')
  return (origin) => origin === undefined || allowed.has(origin)
}

/**
 * The API's answer to pages of other origins: exactly the allowed ones, and never with credentials.
 * A page that is not allowed gets no answer that it could act by, not even an unreadable one.
 */
export function allowOrigins(context: Context): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers
    response.vary('Origin')
    if (!context.isAllowedOrigin(origin)) {
      throw new AppError('FORBIDDEN', 'This origin is not allowed.')
    }
    if (origin !== undefined) {
      response.setHeader('Access-Control-Allow-Origin', origin)
      response.setHeader('Access-Control-Expose-Headers', 'Retry-After, X-Request-Id')
    }
    if (request.method !== 'OPTIONS') {
      next()
      return
    }
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE')
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, X-Request-Id')
    response.setHeader('Access-Control-Max-Age', PREFLIGHT_MAX_AGE_S)
    response.status(204).end()
  }
}

/** For what a cookie decides: no page of another site may ask, allowed origin or not. */
export function refuseCrossSite(request: Request): void {
  if (request.headers['sec-fetch-site'] === 'cross-site') {
    throw new AppError('FORBIDDEN', 'This may not be asked from another site.')
  }
}
