import express, { type Express } from 'express'
import type { Origins } from '../auth/origins.ts'
import type { TokenVerifier } from '../auth/verify-token.ts'
import type { VisitorTokens } from '../auth/visitor-tokens.ts'
import type { GatewayOptions, GatewayPorts } from '../options.ts'
import type { RateGuard, RateRules } from '../edge/rate-rules.ts'
import type { Announcer } from '../usecases/announcer.ts'
import { createApi } from './api.ts'
import { allowOrigins } from './cross-origin.ts'
import { answerErrors, answerUnknown } from './error-handler.ts'
import { createHealthRoutes } from './health-routes.ts'
import { createRouteHandlers } from './handlers/route-handlers.ts'
import { createVisitorDesk } from './handlers/visitor-desk.ts'
import { createPages } from './pages.ts'
import { nameRequests } from './request-id.ts'
import { createSecurityHeaders } from './security-headers.ts'

export interface AppDeps {
  ports: GatewayPorts
  options: GatewayOptions
  verifier: TokenVerifier
  visitors: VisitorTokens | undefined
  origins: Origins
  guard: RateGuard
  rules: RateRules
  announcer: Announcer
}

/** Everything that a gateway answers over plain HTTP. */
export function createApp(deps: AppDeps): Express {
  const { options, ports, visitors } = deps
  const { pathPrefix: prefix, trustedProxies } = options.server
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', [...trustedProxies])
  // The simple parser: no nesting, so no value is ever anything but text or a list of texts.
  app.set('query parser', 'simple')
  app.use(nameRequests(ports.clock))
  app.use(createSecurityHeaders(options.server))

  const health = createHealthRoutes(ports)
  app.use(health)
  app.use(prefix, health)

  const visitorDesk = visitors && createVisitorDesk(visitors, options.server)
  const api = createApi(
    { ...deps, metrics: ports.metrics },
    createRouteHandlers({ ports, options, announcer: deps.announcer, visitorDesk }),
  )
  app.use(`${prefix}/api`, allowOrigins(deps.origins), api)

  if (options.webRoot !== undefined) {
    app.get('/', (_request, response) => response.redirect(`${prefix}/`))
    app.use(prefix, redirectBare(prefix), createPages(options.webRoot))
  }
  app.use(answerUnknown)
  app.use(answerErrors(ports.logger))
  return app
}

/** `{p}` is no folder without its final slash: what the page names relatively would be amiss. */
function redirectBare(prefix: string): express.RequestHandler {
  return (request, response, next) => {
    if (request.originalUrl.split('?')[0] === prefix) response.redirect(`${prefix}/`)
    else next()
  }
}
