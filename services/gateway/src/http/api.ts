import { promisify } from 'node:util'
import {
  HTTP_ROUTES,
  type HttpRoute,
  type RouteAnswer,
  type RouteBody,
  type RouteMediaType,
  type RouteName,
  type RouteParams,
  type RouteQuery,
  type User,
} from '@chatbox/contract'
import { checkAdmitted } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { authenticate } from '../auth/authenticate.ts'
import type { TokenVerifier } from '../auth/verify-token.ts'
import { answerInTime } from '../edge/answer-in-time.ts'
import { parseInput, type InputSchema } from '../edge/parse-input.ts'
import type { RateGuard, RateRules } from '../edge/rate-rules.ts'
import { toAddressKey } from '../edge/client-address.ts'
import { refuseCrossSite } from './cross-origin.ts'
import { Download } from './download.ts'

/** One request that may be served, parsed by the contract. */
interface RouteCall<R extends RouteName> {
  who: User
  params: RouteParams<R>
  query: RouteQuery<R>
  body: RouteBody<R>
  request: Request
  response: Response
}

/** Each route and what answers it, with what its kind says: a body, or a file. */
export type RouteHandlers = {
  [R in RouteName]: (call: RouteCall<R>) => Promise<RouteAnswer<R> | Download<RouteMediaType<R>>>
}

export interface ApiDeps {
  verifier: TokenVerifier
  guard: RateGuard
  rules: RateRules
  metrics: Pick<Metrics, 'httpAnswered'>
}

/** Nobody: the caller of a route that anyone may call. */
const ANYONE: User = { id: 'anyone', name: '', roles: [] }

const parseJson: RequestHandler = express.json({ limit: '16kb', type: () => true })
const readBody = promisify(parseJson)

type RouteSchemas = {
  [R in RouteName]: {
    params: InputSchema<RouteParams<R>>
    query: InputSchema<RouteQuery<R>>
    body: InputSchema<RouteBody<R>>
  }
}
const SCHEMAS: RouteSchemas = HTTP_ROUTES

/** Every route of the contract below `{p}/api`; the only place that parses and limits requests. */
export function createApi(deps: ApiDeps, handlers: RouteHandlers): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  for (const name of Object.keys(HTTP_ROUTES).filter(isRouteName)) {
    const { method, path } = HTTP_ROUTES[name]
    router[method](
      path,
      measure(deps, name),
      toRequestHandler<RouteName>(deps, name, handlers[name]),
    )
  }
  return router
}

function isRouteName(name: string): name is RouteName {
  return Object.hasOwn(HTTP_ROUTES, name)
}

function toRequestHandler<R extends RouteName>(
  deps: ApiDeps,
  name: R,
  answer: RouteHandlers[R],
): RequestHandler {
  const { params, query, body } = SCHEMAS[name]
  return async (request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    const who = await admit(deps, HTTP_ROUTES[name], request)
    await readBody(request, response)
    const call: RouteCall<R> = {
      ...{ who, request, response },
      params: parseInput(params, { ...request.params }),
      query: parseInput(query, { ...request.query }),
      body: parseInput(body, request.body ?? {}),
    }
    const answered = await answerInTime(answer(call))
    // A long file may take its time: it is read piece by piece, each in a time of its own.
    if (answered instanceof Download) await answered.send(response)
    else response.json(answered)
  }
}

/** Who calls, once they may and have not called too often. */
async function admit(deps: ApiDeps, route: HttpRoute, request: Request): Promise<User> {
  if (route.sameSite) refuseCrossSite(request)
  const isAnyone = route.who === 'anyone'
  const who = isAnyone ? ANYONE : await identify(deps, request)
  await deps.guard.take(deps.rules[route.cost], isAnyone ? toAddressKey(request.ip) : who.id)
  checkAdmitted(route.who, who)
  return who
}

async function identify(deps: ApiDeps, request: Request): Promise<User> {
  const token = /^Bearer ([\w~+/.-]+=*)$/iu.exec(request.headers.authorization ?? '')?.[1]
  return (await authenticate(deps, token, toAddressKey(request.ip))).user
}

function measure(deps: ApiDeps, name: RouteName): RequestHandler {
  return (_request, response, next) => {
    const startedAt = performance.now()
    response.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1000
      deps.metrics.httpAnswered(name, response.statusCode, seconds)
    })
    next()
  }
}
