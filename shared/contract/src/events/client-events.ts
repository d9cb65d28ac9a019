import { z } from 'zod'
import { DESK_CLIENT_EVENTS } from './operators/desk-events.ts'
import { INBOX_CLIENT_EVENTS } from './operators/inbox-events.ts'
import { activeReplySchema, messageSchema, sessionSchema, type Who } from '../entities.ts'
import type { Audited } from '../inside/audit.ts'
import type { ErrorInfo } from '../errors.ts'
import {
  LIMITS,
  contentSchema,
  idSchema,
  seqSchema,
  text,
  timeSchema,
  userIdSchema,
} from '../fields.ts'

const limitSchema = z.int().min(1).max(LIMITS.historyPage)
const sessionOnly = z.strictObject({ sessionId: idSchema })
const sessionData = z.object({ session: sessionSchema })
const empty = z.object({})

/**
 * Every event that a client may send: its payload, the `data` of its acknowledgement, who may send
 * it, and the rate limit that it counts against. `mayAccess` in core decides what a user may do to
 * a session.
 */
export const CLIENT_EVENTS = {
  /**
   * Without `afterSeq` the answer is the latest page of the log, and `hasMore` means that there are
   * older entries. With `afterSeq` it is the page after that seq, and `hasMore` means that there
   * are newer ones. Clients catch up this way.
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
    audit: 'minute',
  },
  'session:create': {
    payload: z.strictObject({ modelId: idSchema.optional() }),
    data: sessionData,
    who: 'user',
    cost: 'write',
  },
  'session:end': {
    payload: sessionOnly,
    data: sessionData,
    who: 'user',
    cost: 'write',
    audit: 'each',
  },
  'session:history': {
    payload: z.strictObject({
      sessionId: idSchema,
      beforeSeq: z.int().min(1),
      limit: limitSchema.optional(),
    }),
    data: z.object({ messages: z.array(messageSchema), hasMore: z.boolean() }),
    who: 'user',
    cost: 'read',
    audit: 'minute',
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
    audit: 'minute',
  },
  'message:read': {
    payload: z.strictObject({ sessionId: idSchema, seq: seqSchema }),
    data: empty,
    who: 'user',
    cost: 'signal',
    audit: 'none',
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
    audit: 'none',
  },
  'model:select': {
    payload: z.strictObject({ sessionId: idSchema, modelId: idSchema }),
    data: sessionData,
    who: 'user',
    cost: 'write',
  },
  /** A session has one request at most: asked again, the first one stays. */
  'help:request': {
    payload: z.strictObject({
      sessionId: idSchema,
      note: text(1, LIMITS.noteLength).optional(),
    }),
    data: sessionData,
    who: 'user',
    cost: 'write',
  },
  'help:cancel': { payload: sessionOnly, data: sessionData, who: 'user', cost: 'write' },
  /**
   * `from` is the operator who has the session now, whom only an admin replaces unless that operator
   * has left. Without it nobody may have it.
   */
  'takeover:start': {
    payload: z.strictObject({ sessionId: idSchema, from: userIdSchema.optional() }),
    data: sessionData,
    who: 'operator',
    cost: 'write',
    audit: 'each',
  },
  'takeover:end': {
    payload: sessionOnly,
    data: sessionData,
    who: 'operator',
    cost: 'write',
    audit: 'each',
  },
  ...INBOX_CLIENT_EVENTS,
  ...DESK_CLIENT_EVENTS,
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
  /** Every socket has a token. */
  who: Exclude<Who, 'anyone'>
  cost: Cost
  /** Required where somebody may send it who is not the owner. */
  audit?: Audited
}

/**
 * A rate limit per user. `message` is `RATE_LIMIT`; the gateway sets the others to multiples of it.
 */
export type Cost = 'message' | 'write' | 'read' | 'signal'

export type ClientEvent = keyof typeof CLIENT_EVENTS
export type ClientPayload<E extends ClientEvent> = z.infer<(typeof CLIENT_EVENTS)[E]['payload']>
export type ClientData<E extends ClientEvent> = z.infer<(typeof CLIENT_EVENTS)[E]['data']>

/** The answer to a client event. Each event gets exactly one, and errors are never thrown. */
export type Ack<T> = { ok: true; data: T } | { ok: false; error: ErrorInfo }

/** The events in the form of Socket.IO's types. `typing` needs no acknowledgement. */
export type ClientToServerEvents = {
  [E in ClientEvent]: (payload: ClientPayload<E>, ack: (answer: Ack<ClientData<E>>) => void) => void
}

/** `auth` of the handshake. A token is never read from a URL, because URLs end up in logs. */
export interface HandshakeAuth {
  token: string
}
