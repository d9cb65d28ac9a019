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
import { checkAdmitted, isOperator } from '@chatbox/core'
import { nameCall } from '@chatbox/kit'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { authenticate } from '../auth/verify-token.ts'
import type { Context } from '../context.ts'
import { toSubject } from '../edge/audit-trail.ts'
import { answerInTime, parseInput, type InputSchema } from '../edge/calls.ts'
import { toAddressKey } from '../edge/client-address.ts'
import { Download } from './download.ts'
import { createHoldResponse, type Exchange, type HoldResponse } from './held-responses.ts'
import { refuseCrossSite } from './security.ts'

/** An admitted request, parsed by the contract. */
interface RouteCall<R extends RouteName> {
  who: User
  params: RouteParams<R>
  query: RouteQuery<R>
  body: RouteBody<R>
  request: Request
  response: Response
}

/** The handler of each route. It returns a body, a file or nothing, depending on the route. */
export type RouteHandlers = {
  [R in RouteName]: (call: RouteCall<R>) => Promise<RouteAnswer<R> | Download<RouteMediaType<R>>>
}

/** The caller of a route that needs no token. */
const ANYONE: User = { id: 'anyone', name: '', roles: [] }

export const MAX_BODY_BYTES = 16 * 1024
const parseJson: RequestHandler = express.json({ limit: MAX_BODY_BYTES, type: () => true })
const readBody = promisify(parseJson)

type RouteSchemas = {
  [R in RouteName]: {
    params: InputSchema<RouteParams<R>>
    query: InputSchema<RouteQuery<R>>
    body: InputSchema<RouteBody<R>>
  }
}
const SCHEMAS: RouteSchemas = HTTP_ROUTES

/** Creates all routes below `{p}/api`. Requests are parsed and rate-limited only here. */
export function createApi(context: Context, handlers: RouteHandlers): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  const parts = { ...context, holdResponse: createHoldResponse(context) }
  for (const name of Object.keys(HTTP_ROUTES).filter(isRouteName)) {
    const { method, path } = HTTP_ROUTES[name]
    router[method](
      path,
      measure(context, name),
      toRequestHandler<RouteName>(parts, name, handlers[name]),
    )
  }
  return router
}

function isRouteName(name: string): name is RouteName {
  return Object.hasOwn(HTTP_ROUTES, name)
}

interface ApiParts extends Context {
  holdResponse: HoldResponse
}

function toRequestHandler<R extends RouteName>(
  context: ApiParts,
  name: R,
  answer: RouteHandlers[R],
): RequestHandler {
  const { params, query, body } = SCHEMAS[name]
  return async (request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    const who = await admit(context, HTTP_ROUTES[name], { request, response })
    context.holdResponse(HTTP_ROUTES[name], who, { request, response })
    await readBody(request, response)
    const call: RouteCall<R> = {
      ...{ who, request, response },
      params: parseInput(params, { ...request.params }),
      query: parseInput(query, { ...request.query }),
      body: parseInput(body, request.body ?? {}),
    }
    nameCall(name)
    const answered = await answerInTime(
      context.trail
        .noteCall(name, who, () => toSubject({ ...call.query, ...call.body }, call.params))
        .then(() => answer(call)),
    )
    // A file has no time limit in total: it is read in pieces, each with its own limit.
    if (answered instanceof Download) await answered.send(response, context.logger)
    else if (answered === undefined) response.status(204).end()
    else response.json(isOperator(who) ? answered : context.hideOperators.answer(answered))
  }
}

/** Authenticates the caller and applies the rate limit. */
async function admit(
  context: Context,
  route: HttpRoute,
  { request, response }: Exchange,
): Promise<User> {
  if (route.sameSite) refuseCrossSite(request)
  const isAnyone = route.who === 'anyone'
  const who = isAnyone ? ANYONE : await identify(context, request)
  // For those who refuse the request later.
  if (!isAnyone) response.locals.userId = who.id
  await context.guard.take(route.cost, isAnyone ? toAddressKey(request.ip) : who.id)
  checkAdmitted(route.who, who)
  return who
}

async function identify(context: Context, request: Request): Promise<User> {
  const token = /^Bearer ([\w~+/.-]+=*)$/iu.exec(request.headers.authorization ?? '')?.[1]
  return (await authenticate(context, token, toAddressKey(request.ip))).user
}

function measure(context: Context, name: RouteName): RequestHandler {
  return (_request, response, next) => {
    const startedAt = performance.now()
    response.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1000
      context.metrics.httpAnswered(name, response.statusCode, seconds)
    })
    next()
  }
}
