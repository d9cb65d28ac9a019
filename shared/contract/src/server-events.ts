import { z } from 'zod'
import { messageSchema, modelSchema, sessionSchema, userSchema } from './entities.ts'
import { errorInfoSchema } from './errors.ts'
import { LIMITS } from './limits.ts'
import { idSchema, seqSchema, text, timeSchema, userIdSchema } from './text.ts'

const attemptSchema = z.int().min(1)

export const replyStartSchema = z.strictObject({
  sessionId: idSchema,
  replyId: idSchema,
  replyTo: idSchema,
  modelId: idSchema,
  attempt: attemptSchema,
})
export type ReplyStart = z.infer<typeof replyStartSchema>

export const replyDeltaSchema = z.strictObject({
  sessionId: idSchema,
  replyId: idSchema,
  attempt: attemptSchema,
  index: z.int().min(0),
  text: text(0, LIMITS.replyLength),
})
export type ReplyDelta = z.infer<typeof replyDeltaSchema>

/** Every event that the server sends, with its payload. */
export const SERVER_EVENTS = {
  ready: z.strictObject({
    protocol: z.literal(1),
    user: userSchema,
    models: z.array(modelSchema),
    limits: z.strictObject({
      contentLength: z.int(),
      messageBytes: z.int(),
      historyPage: z.int(),
      reconnectTimeoutMs: z.int(),
    }),
    serverTime: timeSchema,
  }),
  'message:new': z.strictObject({ message: messageSchema }),
  'reply:start': replyStartSchema,
  'reply:delta': replyDeltaSchema,
  'session:updated': z.strictObject({ session: sessionSchema }),
  'session:head': z.strictObject({ sessionId: idSchema, lastSeq: seqSchema }),
  typing: z.strictObject({
    sessionId: idSchema,
    from: z.strictObject({
      type: z.enum(['user', 'admin']),
      id: userIdSchema,
      name: text(0, LIMITS.nameLength),
    }),
    typing: z.boolean(),
  }),
  'message:receipt': z.strictObject({
    sessionId: idSchema,
    reader: z.strictObject({ type: z.enum(['user', 'admin']), id: userIdSchema }),
    seq: seqSchema,
  }),
  'token:expiring': z.strictObject({ expiresAt: timeSchema }),
  'server:draining': z.strictObject({ reconnectAfterMs: z.int().min(0) }),
  error: errorInfoSchema,
} as const

export type ServerEvent = keyof typeof SERVER_EVENTS
export type ServerPayload<E extends ServerEvent> = z.infer<(typeof SERVER_EVENTS)[E]>
