/**
 * Entities of the wire, in the words that the whole code base uses:
 *
 * - session: one conversation of one user; an ordered, dense log of messages
 * - message: one entry of that log, also a state change (`kind: 'event'`)
 * - question: a user's message that wants a reply from the model
 * - reply: the model's answer to one question; while it is being written, its pieces are deltas
 * - attempt: one try at writing a reply; a higher one replaces the text of a lower one
 * - draft: the text of a reply that is not finished
 */
import { z } from 'zod'
import { errorInfoSchema } from './errors.ts'
import { openEnum } from './inside/later-versions.ts'
import { LIMITS, idSchema, seqSchema, text, timeSchema, userIdSchema } from './fields.ts'

export const ROLES = ['user', 'chat_admin', 'admin'] as const
export const roleSchema = openEnum(ROLES, 'user')
export type Role = z.infer<typeof roleSchema>

/**
 * Who may use an event or a route: anyone, even without a token, or the holder of a token with a
 * role.
 */
export type Who = 'anyone' | 'user' | 'operator' | 'admin'

/** The user of a connection, as the token states. */
export const userSchema = z.object({
  id: userIdSchema,
  name: text(0, LIMITS.nameLength),
  roles: z.array(roleSchema).max(ROLES.length),
})
export type User = z.infer<typeof userSchema>

export const modelSchema = z.object({ id: idSchema, name: text(1, LIMITS.nameLength) })
export type Model = z.infer<typeof modelSchema>

export const usageSchema = z.object({
  promptTokens: z.int().min(0),
  completionTokens: z.int().min(0),
  totalTokens: z.int().min(0),
})
export type Usage = z.infer<typeof usageSchema>

/**
 * The total usage of all attempts at one reply. `unknownAttempts` counts the attempts whose worker
 * ended before the provider reported the usage. They are missing from the sums and may have had a
 * cost.
 */
export const replyUsageSchema = usageSchema.extend({
  unknownAttempts: z.int().min(1).exactOptional(),
})
export type ReplyUsage = z.infer<typeof replyUsageSchema>

export const personSchema = z.object({
  id: userIdSchema,
  name: text(0, LIMITS.nameLength),
})
export type Person = z.infer<typeof personSchema>

/** A user who is kept out: nothing that was issued to them until then is accepted. */
export const revocationSchema = z.object({
  userId: userIdSchema,
  revokedAt: timeSchema,
  /** The admin's id. */
  by: userIdSchema,
})

export const sessionEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('help_requested'), note: text(0, LIMITS.noteLength) }),
  z.object({ type: z.literal('help_resolved') }),
  z.object({
    type: z.literal('takeover_started'),
    by: personSchema,
    /** The operator who had the session until then. */
    from: userIdSchema.exactOptional(),
  }),
  z.object({ type: z.literal('takeover_ended'), by: personSchema }),
  z.object({ type: z.literal('model_selected'), modelId: idSchema }),
  z.object({
    type: z.literal('session_ended'),
    reason: openEnum(['user', 'operator', 'idle', 'replaced', 'unknown'], 'unknown'),
  }),
])
export type SessionEvent = z.infer<typeof sessionEventSchema>

export const sessionSchema = z.object({
  id: idSchema,
  userId: userIdSchema,
  userName: text(0, LIMITS.nameLength),
  /** Derived from the first message; empty until there is one. */
  name: text(0, LIMITS.sessionNameLength),
  /**
   * A session with a status of a later version counts as ended: this version writes nothing more in
   * it.
   */
  status: openEnum(['active', 'ended'], 'ended'),
  modelId: idSchema,
  startedAt: timeSchema,
  lastActivityAt: timeSchema,
  endedAt: timeSchema.nullable(),
  lastSeq: seqSchema,
  /** The number of log entries that are not events. */
  messageCount: z.int().min(0),
  help: z.object({ requestedAt: timeSchema, note: text(0, LIMITS.noteLength) }).nullable(),
  assistedBy: personSchema.extend({ since: timeSchema }).nullable(),
  /** True if an operator has ever taken this session over. */
  adminAssisted: z.boolean(),
  usage: usageSchema,
  /** The time from a question's acknowledgement to its finished reply, over all replies. */
  responseTimeMs: z.object({ avg: z.number().min(0), max: z.number().min(0) }),
  shared: z.boolean(),
})
export type Session = z.infer<typeof sessionSchema>

export const fileRefSchema = z.object({
  id: idSchema,
  name: text(1, 255),
  mediaType: z.string().max(100),
  bytes: z.int().min(0),
  url: z.string().max(2048),
})
export type FileRef = z.infer<typeof fileRefSchema>

export const senderSchema = z.object({
  type: openEnum(['user', 'ai', 'admin', 'system'], 'system'),
  id: userIdSchema,
  name: text(0, LIMITS.nameLength),
})
export type Sender = z.infer<typeof senderSchema>

/** The fields of a message, for schemas that use some of them. */
export const messageFields = z.object({
  id: idSchema,
  sessionId: idSchema,
  seq: z.int().min(1),
  clientMessageId: idSchema.optional(),
  /** `unknown`: an entry of a later version, without its content. */
  kind: z.enum(['text', 'file', 'voice', 'event', 'unknown']),
  sender: senderSchema,
  content: text(0, LIMITS.replyLength),
  attachments: z.array(fileRefSchema).max(LIMITS.attachments),
  /** The question that this message answers. */
  replyTo: idSchema.optional(),
  status: openEnum(['complete', 'stopped', 'incomplete', 'failed'], 'complete'),
  error: errorInfoSchema.optional(),
  event: sessionEventSchema.optional(),
  modelId: idSchema.optional(),
  usage: replyUsageSchema.optional(),
  createdAt: timeSchema,
})

export const messageSchema = z.preprocess(hideUnknownKind, messageFields)
export type Message = z.infer<typeof messageSchema>

const KINDS = new Set<unknown>(messageFields.shape.kind.options)
const EVENT_TYPES = new Set<unknown>(
  sessionEventSchema.options.map(({ shape }) => shape.type.value),
)

/**
 * Handles an entry with a kind or event of a later version. It keeps its place, author and time in
 * the log. Its content is omitted, because not everybody may see it.
 */
function hideUnknownKind(value: unknown): unknown {
  if (!isRecord(value) || (isKnown(KINDS, value.kind) && isKnownEvent(value.event))) return value
  const { id, sessionId, seq, clientMessageId, sender, replyTo, createdAt } = value
  const place = { id, sessionId, seq, clientMessageId, sender, replyTo, createdAt }
  return { ...place, kind: 'unknown', content: '', attachments: [], status: 'complete' }
}

function isKnownEvent(event: unknown): boolean {
  return !isRecord(event) || isKnown(EVENT_TYPES, event.type)
}

/** Also returns true for a value that is not a text; the schema refuses that. */
function isKnown(names: ReadonlySet<unknown>, name: unknown): boolean {
  return typeof name !== 'string' || names.has(name)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * A reply in progress, for a viewer who joins late. `text` consists of the deltas 0 to `index - 1`
 * of `attempt`, so the next delta to apply has this `index`. At attempt 0 the reply waits for a
 * worker.
 */
export const activeReplySchema = z.object({
  replyId: idSchema,
  replyTo: idSchema,
  modelId: idSchema,
  attempt: z.int().min(0),
  index: z.int().min(0),
  text: text(0, LIMITS.replyLength),
})
export type ActiveReply = z.infer<typeof activeReplySchema>
