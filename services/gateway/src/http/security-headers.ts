import type { RequestHandler } from 'express'
import helmet from 'helmet'
import type { GatewayOptions } from '../options.ts'

type HeaderOptions = Pick<GatewayOptions['server'], 'publicUrl' | 'hsts'>

const HSTS_MAX_AGE_S = 365 * 24 * 60 * 60

/** Headers of every answer. No page runs a script or style that is not a file of ours. */
export function createSecurityHeaders({ publicUrl, hsts }: HeaderOptions): RequestHandler {
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
