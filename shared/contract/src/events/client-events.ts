import { z } from 'zod'
import { activeReplySchema, messageSchema, sessionSchema, type Who } from '../entities.ts'
import type { ErrorInfo } from '../errors.ts'
import { LIMITS, contentSchema, idSchema, seqSchema, timeSchema } from '../fields.ts'

const limitSchema = z.int().min(1).max(LIMITS.historyPage)
const sessionOnly = z.strictObject({ sessionId: idSchema })
const sessionData = z.object({ session: sessionSchema })
const empty = z.object({})

/**
 * Every event that a client may send and this version serves: its payload, the `data` of its
 * acknowledgement, who may send it at all, and the rate limit that it draws on. What a user may do
 * to one session is `mayAccess` in core.
 */
export const CLIENT_EVENTS = {
  /**
   * Without `afterSeq` the answer is the latest page of the log, and `hasMore` says that older
   * entries exist. With it the answer is the page that follows it, and `hasMore` says that newer
   * ones exist: this is how a client catches up.
   */
  'session:open': {
    payload: z.strictObject({
      sessionId: idSchema.optional(),
      afterSeq: seqSchema.optional(),
      limit: limitSchema.optional(),
    }),
    data: z.object({
      session: sessionSchema,
      messages: z.array(messageSchema),
      hasMore: z.boolean(),
      reply: activeReplySchema.nullable(),
    }),
    who: 'user',
    cost: 'read',
  },
  'session:create': {
    payload: z.strictObject({ modelId: idSchema.optional() }),
    data: sessionData,
    who: 'user',
    cost: 'write',
  },
  'session:end': { payload: sessionOnly, data: sessionData, who: 'user', cost: 'write' },
  'session:history': {
    payload: z.strictObject({
      sessionId: idSchema,
      beforeSeq: z.int().min(1),
      limit: limitSchema.optional(),
    }),
    data: z.object({ messages: z.array(messageSchema), hasMore: z.boolean() }),
    who: 'user',
    cost: 'read',
  },
  'message:send': {
    payload: z.strictObject({
      sessionId: idSchema,
      clientMessageId: idSchema,
      content: contentSchema,
      attachments: z.array(idSchema).max(LIMITS.attachments).optional(),
    }),
    data: z.object({ message: messageSchema }),
    who: 'user',
    cost: 'message',
  },
  'message:read': {
    payload: z.strictObject({ sessionId: idSchema, seq: seqSchema }),
    data: empty,
    who: 'user',
    cost: 'signal',
  },
  'reply:stop': {
    payload: z.strictObject({ sessionId: idSchema, replyId: idSchema }),
    data: z.object({ stopped: z.boolean() }),
    who: 'user',
    cost: 'write',
  },
  'reply:retry': {
    payload: z.strictObject({ sessionId: idSchema, messageId: idSchema }),
    data: z.object({ replyId: idSchema }),
    who: 'user',
    cost: 'message',
  },
  typing: {
    payload: z.strictObject({ sessionId: idSchema, typing: z.boolean() }),
    data: empty,
    who: 'user',
    cost: 'signal',
  },
  'model:select': {
    payload: z.strictObject({ sessionId: idSchema, modelId: idSchema }),
    data: sessionData,
    who: 'user',
    cost: 'write',
  },
  'token:refresh': {
    payload: z.strictObject({ token: z.string().min(1).max(LIMITS.tokenLength) }),
    data: z.object({ expiresAt: timeSchema }),
    who: 'user',
    cost: 'write',
  },
} as const satisfies Record<string, ClientEventRule>

interface ClientEventRule {
  payload: z.ZodType
  data: z.ZodType
  /** No socket is without a token. */
  who: Exclude<Who, 'anyone'>
  cost: Cost
}

/** A limit by user. `message` is `RATE_LIMIT`; the others are multiples of it, set by the gateway. */
export type Cost = 'message' | 'write' | 'read' | 'signal'

export type ClientEvent = keyof typeof CLIENT_EVENTS
export type ClientPayload<E extends ClientEvent> = z.infer<(typeof CLIENT_EVENTS)[E]['payload']>
export type ClientData<E extends ClientEvent> = z.infer<(typeof CLIENT_EVENTS)[E]['data']>

/** The answer to every client event: exactly one, and never a thrown error. */
export type Ack<T> = { ok: true; data: T } | { ok: false; error: ErrorInfo }

/** The events as Socket.IO's own types take them. `typing` asks for no acknowledgement. */
export type ClientToServerEvents = {
  [E in ClientEvent]: (payload: ClientPayload<E>, ack: (answer: Ack<ClientData<E>>) => void) => void
}

/** `auth` of the handshake. A token is never read from a URL: URLs end up in logs. */
export interface HandshakeAuth {
  token: string
}
