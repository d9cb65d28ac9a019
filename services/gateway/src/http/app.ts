import path from 'node:path'
import { idSchema } from '@chatbox/contract'
import { withRequestId } from '@chatbox/kit'
import express, { type Express, type RequestHandler, type Response, type Router } from 'express'
import type { Context } from '../context.ts'
import { toAddressKey } from '../edge/client-address.ts'
import { createApi } from './api.ts'
import { answerErrors, answerUnknown } from './error-handler.ts'
import { createRouteHandlers } from './handlers/route-handlers.ts'
import { endUnread } from './held-responses.ts'
import { allowOrigins, createSecurityHeaders } from './security.ts'

const REQUEST_ID_HEADER = 'x-request-id'
const ASSET_MAX_AGE_S = 365 * 24 * 60 * 60

/** Creates the app for everything that a gateway serves over plain HTTP. */
export function createApp(context: Context): Express {
  const { pathPrefix: prefix, trustedProxies } = context.options.server
  const { webRoot, consoleRoot } = context.options
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', [...trustedProxies])
  // The simple parser has no nesting, so every value is a text or a list of texts.
  app.set('query parser', 'simple')
  app.use(nameRequests(context))
  app.use(endUnread(context))
  app.use(createSecurityHeaders(context))

  const health = createHealthRoutes(context)
  app.use(health)
  app.use(prefix, health)
  app.use(`${prefix}/api`, allowOrigins(context), createApi(context, createRouteHandlers(context)))

  if (consoleRoot !== undefined) {
    const folder = `${prefix}/console`
    app.use(folder, redirectBare(folder), createPages(consoleRoot))
  }
  if (webRoot !== undefined) {
    if (prefix !== '') {
      app.get('/', (_request, response) => response.redirect(`${prefix}/`))
      app.use(prefix, redirectBare(prefix))
    }
    app.use(prefix, createPages(webRoot))
  }
  app.use(answerUnknown)
  app.use(answerErrors(context))
  return app
}

/** Runs each request under the caller's valid request id or a new one, and returns it. */
function nameRequests({ clock }: Context): RequestHandler {
  return (request, response, next) => {
    const given = idSchema.safeParse(request.headers[REQUEST_ID_HEADER])
    const requestId = given.success ? given.data : clock.newId()
    response.setHeader(REQUEST_ID_HEADER, requestId)
    withRequestId(requestId, next, toAddressKey(request.ip))
  }
}

/** Serves liveness without I/O, and readiness with the state of each dependency. */
function createHealthRoutes(context: Context): Router {
  const router = express.Router()
  router.get('/healthz', (_request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    response.json({ status: 'ok' })
  })
  router.get('/readyz', async (_request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    const { ready, checks } = await context.isReady()
    response.status(ready ? 200 : 503).json({ ready, checks })
  })
  return router
}

/** Redirects `{p}` to `{p}/`. Relative addresses in the page need the final slash. */
function redirectBare(prefix: string): RequestHandler {
  return ({ originalUrl }, response, next) => {
    const [path] = originalUrl.split('?')
    if (path === prefix) response.redirect(`${prefix}/${originalUrl.slice(prefix.length)}`)
    else next()
  }
}

/** Serves a built page: hashed assets are immutable, the document is always revalidated. */
function createPages(webRoot: string): Router {
  const router = express.Router()
  const sendPage: RequestHandler = (_request, response, next) => {
    response.setHeader('Cache-Control', 'no-cache')
    response.sendFile('index.html', { root: webRoot, cacheControl: false }, (error?: Error) => {
      if (error && !response.headersSent) next(error)
    })
  }
  router.get('/', sendPage)
  router.use(
    express.static(webRoot, {
      index: false,
      redirect: false,
      dotfiles: 'ignore',
      setHeaders: (response: Response, file) => setCaching(response, path.relative(webRoot, file)),
      cacheControl: false,
    }),
  )
  return router
}

/** Vite puts only files with a content hash into `assets`. */
function setCaching(response: Response, file: string): void {
  const isHashed = file.split(path.sep)[0] === 'assets'
  const lasting = `public, max-age=${ASSET_MAX_AGE_S}, immutable`
  response.setHeader('Cache-Control', isHashed ? lasting : 'no-cache')
}
