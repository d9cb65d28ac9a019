import { messageFields, messageSchema, type Message } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { z } from 'zod'
import { openJson, type RecordDeps, sealJson, toContext } from './key-ring.ts'

/**
 * A log entry at rest. `sealed` contains the whole message. `head` repeats in the clear what
 * queries need and what is shown for an entry that can no longer be decrypted.
 */
export interface MessageRecord {
  id: string
  sessionId: string
  seq: number
  head: MessageHead
  sealed: string
}

export type StoredMessage = Pick<MessageRecord, 'id' | 'sessionId' | 'seq'> & {
  head: unknown
  sealed: unknown
}

const headSchema = messageFields
  .pick({ kind: true, status: true, replyTo: true, clientMessageId: true, createdAt: true })
  .extend({ sender: messageFields.shape.sender.omit({ name: true }) })
type MessageHead = z.infer<typeof headSchema>

/** Throws `INVALID_FORMAT` for a message that could be written but not read. */
export function toMessageRecord(deps: RecordDeps, message: Message): MessageRecord {
  checkFormat(messageSchema, message)
  const { id, sessionId, seq, kind, status, replyTo, clientMessageId, createdAt, sender } = message
  const head: MessageHead = {
    kind,
    status,
    createdAt,
    sender: { type: sender.type, id: sender.id },
  }
  if (replyTo !== undefined) head.replyTo = replyTo
  if (clientMessageId !== undefined) head.clientMessageId = clientMessageId
  const sealed = sealJson(deps, message, toMessageContext(message))
  return { id, sessionId, seq, head, sealed }
}

/**
 * Returns the entry, or a substitute that says that it cannot be read, so that the rest of a log is
 * served.
 */
export function toMessage(deps: RecordDeps, stored: StoredMessage): Message {
  const opened = messageSchema.safeParse(openJson(deps, stored.sealed, toMessageContext(stored)))
  if (opened.success && opened.data.seq === stored.seq) return opened.data
  const { id, sessionId } = stored
  deps.hooks.onPayloadRefused('message', { sessionId, messageId: id })
  return toUnreadable(stored)
}

function toUnreadable({ id, sessionId, seq, head }: StoredMessage): Message {
  const known = headSchema.safeParse(head).data ?? UNKNOWN_HEAD
  return {
    ...known,
    id,
    sessionId,
    seq,
    kind: 'text',
    sender: { ...known.sender, name: '' },
    content: '',
    attachments: [],
    status: 'failed',
    error: { code: 'INTERNAL', message: 'This message cannot be read.', retryable: false },
  }
}

const UNKNOWN_HEAD: MessageHead = {
  kind: 'text',
  status: 'failed',
  createdAt: new Date(0).toISOString(),
  sender: { type: 'system', id: 'unknown' },
}

function toMessageContext({ id, sessionId }: Pick<Message, 'id' | 'sessionId'>): string {
  return toContext('message', sessionId, id)
}

/** Returns the error for an id that another session's entry has. Only a faulty caller causes it. */
export function idTaken(): AppError {
  return new AppError('CONFLICT', 'This id is taken.')
}

export function checkFormat(schema: z.ZodType, value: unknown): void {
  const parsed = schema.safeParse(value)
  if (parsed.success) return
  const field = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new AppError('INVALID_FORMAT', `The field ${field} cannot be stored as it is.`)
}
