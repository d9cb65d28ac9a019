import { z } from 'zod'
import { messageSchema, modelSchema, sessionSchema } from './entities.ts'
import { errorInfoSchema, type ErrorCode } from './errors.ts'
import { LIMITS } from './limits.ts'
import { idSchema, timeSchema } from './text.ts'

/** Query values are text; the rest of a payload's rules are those of the socket events. */
const digits = z
  .string()
  .regex(/^\d{1,16}$/, 'is not a number')
  .transform(Number)
const limitQuery = digits.pipe(z.int().min(1).max(LIMITS.historyPage)).optional()
const seqQuery = digits.pipe(z.int().min(0)).optional()
const none = z.strictObject({})
const sessionPath = z.strictObject({ id: idSchema })

export const errorBodySchema = z.strictObject({ error: errorInfoSchema })

/** Every route under `{p}/api`, in the order of docs/protocol.md section 5. */
export const HTTP_ROUTES = {
  listModels: {
    method: 'get',
    path: '/models',
    summary: 'Configured models',
    access: 'user',
    params: none,
    query: none,
    response: z.strictObject({ items: z.array(modelSchema), nextCursor: z.null() }),
    errors: [],
  },
  listSessions: {
    method: 'get',
    path: '/sessions',
    summary: "The caller's own sessions, latest activity first",
    access: 'user',
    params: none,
    query: z.strictObject({
      limit: limitQuery,
      cursor: z.string().min(1).max(LIMITS.cursorLength).optional(),
    }),
    response: z.strictObject({
      items: z.array(sessionSchema),
      nextCursor: z.string().max(LIMITS.cursorLength).nullable(),
    }),
    errors: ['INVALID_FORMAT'],
  },
  readSession: {
    method: 'get',
    path: '/sessions/:id',
    summary: 'One session',
    access: 'user',
    params: sessionPath,
    query: none,
    response: z.strictObject({ session: sessionSchema }),
    errors: ['INVALID_FORMAT', 'NOT_FOUND'],
  },
  readMessages: {
    method: 'get',
    path: '/sessions/:id/messages',
    summary: "A page of a session's log, oldest first",
    access: 'user',
    params: sessionPath,
    query: z
      .strictObject({ afterSeq: seqQuery, beforeSeq: seqQuery, limit: limitQuery })
      .refine(
        (query) => query.afterSeq === undefined || query.beforeSeq === undefined,
        'takes afterSeq or beforeSeq, not both',
      ),
    response: z.strictObject({ messages: z.array(messageSchema), hasMore: z.boolean() }),
    errors: ['INVALID_FORMAT', 'NOT_FOUND'],
  },
  endSession: {
    method: 'post',
    path: '/sessions/:id/end',
    summary: 'Ends a session; idempotent',
    access: 'user',
    params: sessionPath,
    query: none,
    response: z.strictObject({ session: sessionSchema }),
    errors: ['INVALID_FORMAT', 'NOT_FOUND'],
  },
  downloadTranscript: {
    method: 'get',
    path: '/sessions/:id/transcript',
    summary: 'The whole log as a download',
    access: 'user',
    params: sessionPath,
    query: z.strictObject({ format: z.enum(['txt', 'json', 'html']).optional() }),
    /** A file, not a JSON body. */
    response: null,
    errors: ['INVALID_FORMAT', 'NOT_FOUND'],
  },
  createVisitor: {
    method: 'post',
    path: '/visitors',
    summary: 'A short-lived token for a visitor of a public page; only with ALLOW_VISITORS',
    access: 'anyone',
    params: none,
    query: none,
    response: z.strictObject({
      token: z.string().max(LIMITS.tokenLength),
      expiresAt: timeSchema,
    }),
    errors: ['FORBIDDEN'],
  },
  readOpenApi: {
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    access: 'anyone',
    params: none,
    query: none,
    response: z.looseObject({ openapi: z.string() }),
    errors: [],
  },
} as const satisfies Record<string, HttpRoute>

export interface HttpRoute {
  method: 'get' | 'post' | 'put' | 'delete'
  /** Below `{p}/api`; a parameter as `:name`. */
  path: string
  summary: string
  /** `user`: a bearer token is required; what it may see is the route's own rule. */
  access: 'anyone' | 'user'
  params: z.ZodType
  query: z.ZodType
  response: z.ZodType | null
  /** Besides those that every route may answer: 401 where a token is needed, 429, 500, 503. */
  errors: readonly ErrorCode[]
}

export type RouteName = keyof typeof HTTP_ROUTES
export type RouteParams<R extends RouteName> = z.infer<(typeof HTTP_ROUTES)[R]['params']>
export type RouteQuery<R extends RouteName> = z.infer<(typeof HTTP_ROUTES)[R]['query']>
