import { z } from 'zod'
import { messageSchema, modelSchema, sessionSchema, userSchema } from '../entities.ts'
import { errorInfoSchema } from '../errors.ts'
import { openEnum } from '../inside/later-versions.ts'
import { LIMITS } from '../limits.ts'
import { idSchema, seqSchema, text, timeSchema, userIdSchema } from '../text.ts'

const attemptSchema = z.int().min(1)

export const replyStartSchema = z.object({
  sessionId: idSchema,
  replyId: idSchema,
  replyTo: idSchema,
  modelId: idSchema,
  attempt: attemptSchema,
})
export type ReplyStart = z.infer<typeof replyStartSchema>

export const replyDeltaSchema = z.object({
  sessionId: idSchema,
  replyId: idSchema,
  attempt: attemptSchema,
  index: z.int().min(0),
  text: text(0, LIMITS.replyLength),
})
export type ReplyDelta = z.infer<typeof replyDeltaSchema>

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
  'reply:start': replyStartSchema,
  'reply:delta': replyDeltaSchema,
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
  'token:expiring': z.object({ expiresAt: timeSchema }),
  'server:draining': z.object({ reconnectAfterMs: z.int().min(0) }),
  error: errorInfoSchema,
} as const

export type ServerEvent = keyof typeof SERVER_EVENTS
export type ServerPayload<E extends ServerEvent> = z.infer<(typeof SERVER_EVENTS)[E]>
