import {
  HTTP_ROUTES,
  type Cost,
  type HttpRoute,
  type RouteName,
  type RouteParams,
  type RouteQuery,
  type User,
} from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { unauthorized } from '../auth/bearer-claims.ts'
import type { TokenVerifier } from '../auth/verify-token.ts'
import { answerInTime } from '../answer-in-time.ts'
import { parseInput, type InputSchema } from '../parse-input.ts'
import type { RateGuard, RateRules } from '../rate-rules.ts'
import { toAddressKey } from './client-address.ts'

/** One request that may be served, parsed by the contract. */
export interface RouteCall<R extends RouteName> {
  who: User
  params: RouteParams<R>
  query: RouteQuery<R>
  request: Request
  response: Response
}

/** Each route and what answers it: a body, or nothing where it has written the response itself. */
export type RouteHandlers = {
  [R in RouteName]: (call: RouteCall<R>) => Promise<object | undefined>
}

export interface ApiDeps {
  verifier: TokenVerifier
  guard: RateGuard
  rules: RateRules
  metrics: Pick<Metrics, 'httpAnswered'>
}

type Gate = (request: Request) => Promise<User>

/** Nobody: the caller of a route that anyone may call. */
const ANYONE: User = { id: 'anyone', name: '', roles: [] }

const BODY_LIMIT = '16kb'

/** Every route of the contract below `{p}/api`; the only place that parses and limits requests. */
export function createApi(deps: ApiDeps, handlers: RouteHandlers): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  router.use(express.json({ limit: BODY_LIMIT, type: () => true }))
  router.use(refuseBody)
  for (const name of Object.keys(HTTP_ROUTES).filter(isRouteName)) {
    const route: HttpRoute = HTTP_ROUTES[name]
    router[route.method](
      route.path,
      measure(deps, name),
      toRequestHandler<RouteName>(createGate(deps, name, route), name, handlers[name]),
    )
  }
  return router
}

function isRouteName(name: string): name is RouteName {
  return Object.hasOwn(HTTP_ROUTES, name)
}

/** No route of this version takes a body; an empty object stands for none. */
const refuseBody: RequestHandler = (request, _response, next) => {
  const body: unknown = request.body
  const isEmpty = typeof body === 'object' && body !== null && Object.keys(body).length === 0
  if (body !== undefined && !(isEmpty && !Array.isArray(body))) {
    throw new AppError('INVALID_FORMAT', 'This request takes no body.')
  }
  next()
}

/** Who calls, once they have shown their token and have not called too often. */
function createGate(deps: ApiDeps, name: RouteName, route: HttpRoute): Gate {
  const { guard, rules } = deps
  if (route.access === 'anyone') {
    const rule = name === 'createVisitor' ? rules.visitor : rules.public
    return async (request) => {
      await guard.take(rule, toAddressKey(request.ip))
      return ANYONE
    }
  }
  const cost: Cost = route.method === 'get' ? 'read' : 'write'
  return async (request) => {
    const who = await authenticate(deps, request)
    await guard.take(rules[cost], who.id)
    return who
  }
}

async function authenticate(deps: ApiDeps, request: Request): Promise<User> {
  try {
    const token = /^Bearer ([\w~+/.-]+=*)$/iu.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) throw unauthorized()
    return (await deps.verifier.verify(token)).user
  } catch (error) {
    // One who guesses is slowed down by address; one with a good token is never counted here.
    await deps.guard.take(deps.rules.refused, toAddressKey(request.ip))
    throw error
  }
}

type RouteSchemas = {
  [R in RouteName]: { params: InputSchema<RouteParams<R>>; query: InputSchema<RouteQuery<R>> }
}
const SCHEMAS: RouteSchemas = HTTP_ROUTES

function toRequestHandler<R extends RouteName>(
  gate: Gate,
  name: R,
  answer: RouteHandlers[R],
): RequestHandler {
  return async (request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    const who = await gate(request)
    const params = parseInput(SCHEMAS[name].params, { ...request.params })
    const query = parseInput(SCHEMAS[name].query, { ...request.query })
    const answered = answer({ who, params, query, request, response })
    // A long transcript may take its time: its pages come one by one, each of them bounded.
    const body = await (name === 'downloadTranscript' ? answered : answerInTime(answered))
    if (body) response.json(body)
  }
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
