import { AppError } from '@chatbox/core'
import type { Request, RequestHandler } from 'express'
import helmet from 'helmet'
import type { Context, GatewayOptions } from '../context.ts'

const HSTS_MAX_AGE_S = 365 * 24 * 60 * 60
const PREFLIGHT_MAX_AGE_S = 600

/** What a page of ours never uses, also where it is framed. Helmet does not set this header. */
const PERMISSIONS_POLICY = [
  ...['accelerometer', 'autoplay', 'browsing-topics', 'camera', 'display-capture'],
  ...['encrypted-media', 'geolocation', 'gyroscope', 'hid', 'idle-detection', 'magnetometer'],
  ...['microphone', 'midi', 'payment', 'publickey-credentials-get', 'screen-wake-lock', 'serial'],
  ...['usb', 'xr-spatial-tracking'],
]
  .map((feature) => `${feature}=()`)
  .join(', ')

/** Sets the headers of every response. Pages run only scripts and styles of ours. */
export function createSecurityHeaders({ options }: Context): RequestHandler {
  const { publicUrl, hsts } = options.server
  const setHelmet = helmet({
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
        // Markup reaches a page only through the sanitizer's own policy.
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ['dompurify'],
      },
    },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
    // Off by default, because hosts below this one may belong to somebody else.
    strictTransportSecurity:
      hsts === 'off' ? false : { maxAge: HSTS_MAX_AGE_S, includeSubDomains: hsts === 'subdomains' },
  })
  return (request, response, next) => {
    response.setHeader('Permissions-Policy', PERMISSIONS_POLICY)
    setHelmet(request, response, next)
  }
}

/** Some browsers do not count a socket to the same host as `'self'`. */
function toSocketSources(publicUrl: string | undefined): string[] {
  if (publicUrl === undefined) return []
  const { host } = new URL(publicUrl)
  return [`${isHttps(publicUrl) ? 'wss' : 'ws'}://${host}`]
}

export function isHttps(publicUrl: string | undefined): boolean {
  return publicUrl !== undefined && new URL(publicUrl).protocol === 'https:'
}

/**
 * Creates the check of origins, an exact comparison of scheme, host and port. A request without an
 * `Origin` header is admitted because it does not come from a page in a browser: native apps and
 * servers send none, and the token decides. `null`, which sandboxed and local pages send, is
 * rejected.
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
 * Allows the configured origins to call the API, never with credentials. A request from any other
 * page is rejected before it has an effect.
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

/** Rejects requests from other sites, even allowed origins. Routes that read a cookie need this. */
export function refuseCrossSite(request: Request): void {
  if (request.headers['sec-fetch-site'] === 'cross-site') {
    throw new AppError('FORBIDDEN', 'This may not be asked from another site.')
  }
}
