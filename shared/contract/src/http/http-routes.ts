import { z } from 'zod'
import { INBOX_ROUTES } from './admin/inbox-routes.ts'
import type { Cost } from '../events/client-events.ts'
import {
  messageSchema,
  modelSchema,
  revocationSchema,
  sessionSchema,
  userSchema,
  type Who,
} from '../entities.ts'
import { errorInfoSchema, type ErrorCode } from '../errors.ts'
import type { Audited } from '../inside/audit.ts'
import { openEnum } from '../inside/later-versions.ts'
import { AUDIT_ROUTES } from './admin/audit-routes.ts'
import { QUEUE_ROUTES } from './admin/queue-routes.ts'
import { digits, limitQuery, plain } from './route-inputs.ts'
import { LIMITS, idSchema, text, timeSchema, userIdSchema } from '../fields.ts'

const seqQuery = digits.pipe(z.int().min(0)).optional()
const pageQuery = z.strictObject({
  limit: limitQuery,
  cursor: z.string().min(1).max(LIMITS.cursorLength).optional(),
})
/** 256 random bits. */
const secretText = z.string().regex(/^[\w-]{43}$/, 'is not one of ours')
const sessionPath = z.strictObject({ id: idSchema })
/** A route about one session. `mayAccess` in core decides who may use it. */
const ofSession = { ...plain, params: sessionPath, who: 'user', errors: ['NOT_FOUND'] } as const

export const errorBodySchema = z.object({ error: errorInfoSchema })

/** Every route under `{p}/api`, in the order of docs/protocol.md section 5. */
export const HTTP_ROUTES = {
  listModels: {
    ...plain,
    method: 'get',
    path: '/models',
    summary: 'Configured models, all at once',
    who: 'user',
    cost: 'read',
    kind: 'json',
    response: z.object({ items: z.array(modelSchema), nextCursor: z.null() }),
  },
  listSessions: {
    ...plain,
    method: 'get',
    path: '/sessions',
    summary: "The caller's own sessions, latest activity first",
    who: 'user',
    cost: 'read',
    query: pageQuery,
    kind: 'json',
    response: z.object({
      items: z.array(sessionSchema),
      nextCursor: z.string().max(LIMITS.cursorLength).nullable(),
    }),
  },
  readSession: {
    ...ofSession,
    method: 'get',
    path: '/sessions/:id',
    summary: 'One session',
    cost: 'read',
    audit: 'minute',
    kind: 'json',
    response: z.object({ session: sessionSchema }),
  },
  readMessages: {
    ...ofSession,
    method: 'get',
    path: '/sessions/:id/messages',
    summary: "A page of a session's log, oldest first",
    cost: 'read',
    audit: 'minute',
    query: z
      .strictObject({ afterSeq: seqQuery, beforeSeq: seqQuery, limit: limitQuery })
      .refine(
        (query) => query.afterSeq === undefined || query.beforeSeq === undefined,
        'takes afterSeq or beforeSeq, not both',
      ),
    kind: 'json',
    response: z.object({ messages: z.array(messageSchema), hasMore: z.boolean() }),
  },
  endSession: {
    ...ofSession,
    method: 'post',
    path: '/sessions/:id/end',
    summary: 'Ends a session; idempotent',
    cost: 'write',
    audit: 'each',
    kind: 'json',
    response: z.object({ session: sessionSchema }),
  },
  downloadTranscript: {
    ...ofSession,
    method: 'get',
    path: '/sessions/:id/transcript',
    summary: 'The whole log as a download',
    cost: 'read',
    audit: 'each',
    query: z.strictObject({ format: z.enum(['txt', 'json', 'html']).optional() }),
    kind: 'download',
    mediaTypes: ['text/plain', 'text/html', 'application/json'],
  },
  listSignInWays: {
    ...plain,
    method: 'get',
    path: '/operators/sign-in',
    summary: 'How operators may sign in here',
    who: 'anyone',
    cost: 'public',
    kind: 'json',
    response: z.object({ ways: z.array(openEnum(['link', 'oidc', 'unknown'], 'unknown')) }),
  },
  startSignIn: {
    ...plain,
    method: 'post',
    path: '/operators/sign-in',
    summary: 'Sends a one-time link to an operator, or gives the address of the provider',
    who: 'anyone',
    cost: 'public',
    sameSite: true,
    body: z
      .strictObject({ way: z.enum(['link', 'oidc']), address: text(3, 254).optional() })
      .refine(
        ({ way, address }) => (way === 'link') === (address !== undefined),
        'takes an address for a link and for nothing else',
      ),
    kind: 'json',
    response: z.object({ url: z.string().max(4096).exactOptional() }),
  },
  issueOperatorToken: {
    ...plain,
    method: 'post',
    path: '/operators/token',
    summary: 'Ends a sign-in, or renews the token of an operator by the cookie of this route',
    who: 'anyone',
    cost: 'public',
    sameSite: true,
    body: z
      .strictObject({
        link: secretText.optional(),
        code: z.string().min(1).max(4096).optional(),
        state: secretText.optional(),
        iss: z.string().max(2048).optional(),
      })
      .refine(
        ({ link, code, state }) =>
          link === undefined ? (code === undefined) === (state === undefined) : code === undefined,
        'takes a link, or a code and its state, or nothing',
      ),
    errors: ['UNAUTHORIZED', 'TOKEN_EXPIRED', 'CONFLICT'],
    kind: 'json',
    response: z.object({
      token: z.string().max(LIMITS.tokenLength),
      expiresAt: timeSchema,
      user: userSchema,
    }),
  },
  endSignIn: {
    ...plain,
    method: 'delete',
    path: '/operators/token',
    summary: 'Signs an operator out of this browser; idempotent',
    who: 'anyone',
    cost: 'public',
    sameSite: true,
    kind: 'empty',
  },
  createVisitor: {
    ...plain,
    method: 'post',
    path: '/visitors',
    summary: 'A short-lived token for a visitor of a public page; only with ALLOW_VISITORS',
    who: 'anyone',
    cost: 'public',
    sameSite: true,
    kind: 'json',
    response: z.object({
      token: z.string().max(LIMITS.tokenLength),
      expiresAt: timeSchema,
    }),
  },
  forgetVisitor: {
    ...plain,
    method: 'delete',
    path: '/visitors',
    summary: 'Makes the browser forget which visitor it was',
    who: 'anyone',
    cost: 'public',
    sameSite: true,
    kind: 'empty',
  },
  listRevocations: {
    ...plain,
    method: 'get',
    path: '/admin/revocations',
    summary: 'Who is shut out, the latest first',
    who: 'admin',
    cost: 'read',
    audit: 'minute',
    query: pageQuery,
    kind: 'json',
    response: z.object({
      items: z.array(revocationSchema),
      nextCursor: z.string().max(LIMITS.cursorLength).nullable(),
    }),
  },
  revokeUser: {
    ...plain,
    method: 'post',
    path: '/admin/revocations',
    summary: 'Shuts a user or an operator out on every gateway',
    who: 'admin',
    cost: 'write',
    audit: 'each',
    body: z.strictObject({ userId: userIdSchema }),
    errors: ['CONFLICT'],
    kind: 'json',
    response: z.object({ revocation: revocationSchema }),
  },
  endRevocation: {
    ...plain,
    method: 'delete',
    path: '/admin/revocations/:id',
    summary: 'Lets a user in again; idempotent',
    who: 'admin',
    cost: 'write',
    audit: 'each',
    params: z.strictObject({ id: userIdSchema }),
    kind: 'empty',
  },
  ...INBOX_ROUTES,
  ...AUDIT_ROUTES,
  ...QUEUE_ROUTES,
  readOpenApi: {
    ...plain,
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    who: 'anyone',
    cost: 'public',
    kind: 'json',
    response: z.looseObject({ openapi: z.string() }),
  },
} as const satisfies Record<string, HttpRoute>

export type HttpRoute = RouteInput & RouteCaller & RouteOutput

interface RouteInput {
  method: 'get' | 'post' | 'put' | 'delete'
  /** Below `{p}/api`. A parameter is written as `:name`. */
  path: string
  summary: string
  params: z.ZodType
  query: z.ZodType
  /** The JSON body. A missing body counts as `{}`. */
  body: z.ZodType
  /** A cookie decides the answer, so pages of other sites may not ask. */
  sameSite?: true
  /** Required where somebody may use it who is not the owner. */
  audit?: Audited
  /** The errors besides those of every route. */
  errors: readonly ErrorCode[]
}

/** Who may call the route, and its rate limit: per user with a token, otherwise per address. */
type RouteCaller =
  { who: Exclude<Who, 'anyone'>; cost: Cost } | { who: 'anyone'; cost: AddressCost }

type RouteOutput =
  | { kind: 'json'; response: z.ZodType }
  /** Only the status 204. */
  | { kind: 'empty' }
  /** A file in one of these types. It is sent while it is read. */
  | { kind: 'download'; mediaTypes: readonly [MediaType, ...MediaType[]] }

type MediaType = `${string}/${string}`

/** A rate limit per address. */
export type AddressCost = 'public'

export type RouteName = keyof typeof HTTP_ROUTES
type Route<R extends RouteName> = (typeof HTTP_ROUTES)[R]
export type RouteParams<R extends RouteName> = z.infer<Route<R>['params']>
export type RouteQuery<R extends RouteName> = z.infer<Route<R>['query']>
export type RouteBody<R extends RouteName> = z.infer<Route<R>['body']>
/** The JSON answer of a route; `undefined` for an empty one, `never` for a file. */
export type RouteAnswer<R extends RouteName> =
  Route<R> extends { kind: 'empty' }
    ? undefined
    : z.infer<Extract<Route<R>, { kind: 'json' }>['response']>
/** The file types of a route; `never` for JSON. */
export type RouteMediaType<R extends RouteName> = Extract<
  Route<R>,
  { kind: 'download' }
>['mediaTypes'][number]
