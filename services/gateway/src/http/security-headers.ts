import type { RequestHandler } from 'express'
import helmet from 'helmet'

export interface HeaderOptions {
  publicUrl: string | undefined
}

const HSTS_MAX_AGE_S = 365 * 24 * 60 * 60

/** Headers of every answer. No page runs a script or style that is not a file of ours. */
export function createSecurityHeaders({ publicUrl }: HeaderOptions): RequestHandler {
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
    strictTransportSecurity: isHttps(publicUrl)
      ? { maxAge: HSTS_MAX_AGE_S, includeSubDomains: true }
      : false,
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
