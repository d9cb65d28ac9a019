import { AppError } from '@chatbox/core'
import type { Request, RequestHandler } from 'express'
import type { Origins } from '../auth/origins.ts'

const PREFLIGHT_MAX_AGE_S = 600

/**
 * The API's answer to pages of other origins: exactly the allowed ones, and never with credentials.
 * A page that is not allowed gets no answer that it could act by, not even an unreadable one.
 */
export function allowOrigins(origins: Origins): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers
    response.vary('Origin')
    if (!origins.isAllowed(origin)) {
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
