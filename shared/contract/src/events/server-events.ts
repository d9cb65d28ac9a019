import { z } from 'zod'
import { DESK_SERVER_EVENTS } from './operators/desk-events.ts'
import { INBOX_SERVER_EVENTS } from './operators/inbox-events.ts'
import { messageSchema, modelSchema, sessionSchema, userSchema } from '../entities.ts'
import { errorInfoSchema } from '../errors.ts'
import { openEnum } from '../inside/later-versions.ts'
import { LIMITS, idSchema, seqSchema, text, timeSchema, userIdSchema } from '../fields.ts'

const attemptSchema = z.int().min(1)

/** Every event that the server sends, with its payload. */
export const SERVER_EVENTS = {
  ready: z.object({
    protocol: z.literal(1),
    user: userSchema,
    models: z.array(modelSchema),
    limits: z.object({
      contentLength: z.int(),
      messageBytes: z.int(),
      historyPage: z.int(),
      reconnectTimeoutMs: z.int(),
    }),
    serverTime: timeSchema,
  }),
  'message:new': z.object({ message: messageSchema }),
  'reply:start': z.object({
    sessionId: idSchema,
    replyId: idSchema,
    replyTo: idSchema,
    modelId: idSchema,
    attempt: attemptSchema,
  }),
  'reply:delta': z.object({
    sessionId: idSchema,
    replyId: idSchema,
    attempt: attemptSchema,
    index: z.int().min(0),
    text: text(0, LIMITS.replyLength),
  }),
  'session:updated': z.object({ session: sessionSchema }),
  'session:head': z.object({ sessionId: idSchema, lastSeq: seqSchema }),
  typing: z.object({
    sessionId: idSchema,
    from: z.object({
      type: openEnum(['user', 'admin'], 'admin'),
      id: userIdSchema,
      name: text(0, LIMITS.nameLength),
    }),
    typing: z.boolean(),
  }),
  'message:receipt': z.object({
    sessionId: idSchema,
    reader: z.object({ type: openEnum(['user', 'admin'], 'admin'), id: userIdSchema }),
    seq: seqSchema,
  }),
  ...INBOX_SERVER_EVENTS,
  ...DESK_SERVER_EVENTS,
  'token:expiring': z.object({ expiresAt: timeSchema }),
  'server:draining': z.object({ reconnectAfterMs: z.int().min(0) }),
  error: errorInfoSchema,
} as const

export type ServerEvent = keyof typeof SERVER_EVENTS
export type ServerPayload<E extends ServerEvent> = z.infer<(typeof SERVER_EVENTS)[E]>
export type ReplyStart = ServerPayload<'reply:start'>
export type ReplyDelta = ServerPayload<'reply:delta'>

/** The events in the form of Socket.IO's types. */
export type ServerToClientEvents = {
  [E in ServerEvent]: (payload: ServerPayload<E>) => void
}

/**
 * The events that a worker sends to the gateways about one session. Gateways forward each as the
 * server event with the same name, so a viewer cannot tell which process wrote it.
 */
export const WORKER_EVENTS = {
  'reply:start': SERVER_EVENTS['reply:start'],
  'reply:delta': SERVER_EVENTS['reply:delta'],
  'message:new': SERVER_EVENTS['message:new'],
  'session:updated': SERVER_EVENTS['session:updated'],
} as const

/**
 * The events that a gateway sends to viewers on other gateways. Every other server event is sent
 * only by the viewer's own gateway, and is refused from elsewhere.
 */
export const GATEWAY_EVENTS = {
  'message:new': SERVER_EVENTS['message:new'],
  'session:updated': SERVER_EVENTS['session:updated'],
  typing: SERVER_EVENTS.typing,
  'message:receipt': SERVER_EVENTS['message:receipt'],
  'desk:new': SERVER_EVENTS['desk:new'],
} as const

/** One of these events with its payload. */
export type EventOf<E extends ServerEvent> = {
  [N in E]: { event: N; payload: ServerPayload<N> }
}[E]
export type BusEvent = EventOf<keyof typeof WORKER_EVENTS>

/** Returns the room of a session's viewers on every gateway, without operators from outside. */
export function sessionRoom(sessionId: string): string {
  return `session:${sessionId}`
}

/**
 * Returns the room of the operators who view another's session, on every gateway. They see who an
 * operator is, and its user does not.
 */
export function operatorRoom(sessionId: string): string {
  return `operators:${sessionId}`
}

/** Returns the room of all connections of a user, on every gateway. */
export function userRoom(userId: string): string {
  return `user:${userId}`
}
