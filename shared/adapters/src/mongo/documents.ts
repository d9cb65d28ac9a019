import type { Message } from '@chatbox/contract'
import {
  AppError,
  type AlertRuleName,
  type Claim,
  type LogHead,
  type Payer,
  type PlacedEntry,
  type ReplyKey,
  type ReplyTask,
  type SessionOrigin,
} from '@chatbox/core'
import type { Filter, IndexDescription } from 'mongodb'
import { z } from 'zod'
import type { AuditRecord } from '../sealed/audit-record.ts'
import type { MessageRecord } from '../sealed/message-record.ts'
import type { OriginRecord, StateRecord } from '../sealed/session-record.ts'
import { replyTaskSchema } from '../sealed/reply-record.ts'

/**
 * A session: its origin, and a projection of the head of its log for lists. The projection is
 * written after the entry and may be behind it. The log is authoritative.
 */
export interface SessionDocument extends OriginRecord, StateRecord {
  _id: string
  activeKey: string
  status: string
  lastActivityAt: string
  /** When the document last changed, by the server's clock. Older versions do not say. */
  changedAt?: Date
  /** The head of the operators' log. */
  desk?: unknown
}

/** An entry of a log, the state after it, and the tasks that it asks for. */
export interface MessageDocument extends Omit<MessageRecord, 'id'>, Omit<StateRecord, 'seq'> {
  _id: string
  /** The session's origin, so that the newest entry alone describes the whole session. */
  origin: OriginRecord
  /** The tasks by kind. Each is changed by compare-and-set on its own path. */
  tasks?: { reply?: ReplyTaskDocument }
  /** The rules of the alerts that it asks for, until they are opened. */
  alerts?: { rules: AlertRuleName[]; waitsSince: Date }
}

/** The task of a question: its reply. */
export interface ReplyTaskDocument extends Pick<
  ReplyTask,
  'replyId' | 'modelId' | 'state' | 'epoch' | 'attempts' | 'stopRequested' | 'askedAt' | 'lane'
> {
  payer?: Payer
  /** The session's id while the question is open. */
  openIn?: string
  /** While the task is pending: the time since when. A sweep that takes it up moves it on. */
  waitsSince?: Date
  /** While the task runs: only a claim may follow. */
  leaseEndsAt?: Date
  /** While the task runs or is committed: the time from which a sweep may take it up. */
  dueAt?: Date
  /** The mark of the last sweep that took it up. */
  takenBy?: string
  /** The outcome, from commit to settlement. */
  sealed?: string
  /** Maps each replaced reply id to its replacement. */
  replaced: { messageId: string; replyId: string }[]
}

export function newReplyTask(
  { sessionId, createdAt }: Message,
  { replyId, modelId, payer, lane }: NonNullable<PlacedEntry['question']>,
  waitsSince: Date,
): ReplyTaskDocument {
  return {
    replyId,
    modelId,
    state: 'pending',
    epoch: 0,
    attempts: 0,
    stopRequested: false,
    askedAt: createdAt,
    ...(payer ? { payer } : {}),
    ...(lane === undefined ? {} : { lane }),
    openIn: sessionId,
    waitsSince,
    replaced: [],
  }
}

/** A session with the head of its log, if that is known. */
export interface FoundSession {
  origin: SessionOrigin
  head: LogHead
}

/** A provider's reference for a session. */
export interface ConversationDocument {
  _id: string
  sealed: string
}

/** A revocation; the `_id` is the user's. */
export interface RevocationDocument {
  _id: string
  reason: string
  before: Date
  by: string
  ended: boolean
  changedAt: Date
}

/** A sign-in ticket; the `_id` is the digest of the secret. */
export interface TicketDocument {
  _id: string
  /** Null if any browser may use it. */
  browser: string | null
  sealed: string
  endsAt: Date
  usedAt: Date | null
}

/** How far an operator has read; the `_id` is the session's and the operator's. */
export interface ReadMarkDocument {
  _id: string
  operatorId: string
  sessionId: string
  seq: number
  /** The number of the user's messages up to there. */
  userTexts: number
  movedAt: Date
}

/** An entry of the audit log; the `_id` is its seq. */
export interface AuditDocument extends Omit<AuditRecord, 'seq'> {
  _id: number
}

const taskSchema = replyTaskSchema
  .pick({
    replyId: true,
    modelId: true,
    state: true,
    epoch: true,
    attempts: true,
    stopRequested: true,
    askedAt: true,
    payer: true,
    lane: true,
  })
  .extend({
    sealed: z.string().optional(),
    replaced: z.array(z.object({ messageId: z.string(), replyId: z.string() })),
  })
const questionSchema = z.object({
  _id: z.string(),
  sessionId: z.string(),
  seq: z.int(),
  tasks: z.object({ reply: taskSchema }),
})

export interface StoredReplyTask {
  task: ReplyTask
  sealed: string | undefined
  replaced: { messageId: string; replyId: string }[]
}

/** The fields that `parseReplyTask` needs. */
export const REPLY_TASK_FIELDS = { sessionId: 1, seq: 1, 'tasks.reply': 1 } as const

/** Returns undefined if the entry is not a question. */
export function parseReplyTask(document: unknown): StoredReplyTask | undefined {
  const parsed = questionSchema.safeParse(document)
  if (!parsed.success) return undefined
  const { _id: messageId, sessionId, seq: questionSeq, tasks } = parsed.data
  const { sealed, replaced, ...state } = tasks.reply
  return { task: { sessionId, messageId, questionSeq, ...state }, sealed, replaced }
}

/** Returns a value for a filter. Only text is allowed, whatever the caller's types say. */
export function toKey(value: unknown): string {
  if (typeof value === 'string') return value
  throw new AppError('INVALID_FORMAT', 'An id is a text.')
}

/** Finds one entry. The session selects the shard. */
export function toEntryFilter({ sessionId, messageId }: ReplyKey): {
  _id: string
  sessionId: string
} {
  return { _id: toKey(messageId), sessionId: toKey(sessionId) }
}

/**
 * Finds the open questions of a session. The filter names the session twice: for an index and for
 * the shard.
 */
export function toOpen(sessionId: string): Filter<MessageDocument> {
  return { sessionId: toKey(sessionId), 'tasks.reply.openIn': toKey(sessionId) }
}

/** Finds the question of a claim that still owns it. */
export function toOwned(claim: Claim): Filter<MessageDocument> {
  return {
    ...toEntryFilter(claim),
    'tasks.reply.state': 'running',
    'tasks.reply.replyId': toKey(claim.replyId),
    'tasks.reply.epoch': claim.epoch,
  }
}

/**
 * Every index and its purpose. None is partial, because not every compatible server supports that.
 * Each document has a value for each unique key. Settled questions lose the indexed fields of open
 * ones, so that sparse indexes stay small.
 */
export const SESSION_INDEXES: IndexDescription[] = [
  // Allows one active session per user. Afterwards the key is the session's own.
  { name: 'active', key: { activeKey: 1 }, unique: true },
  // A user's list, latest activity first.
  { name: 'of_user', key: { userId: 1, lastActivityAt: -1, _id: -1 } },
  // The idle sweep, longest idle first.
  { name: 'idle', key: { status: 1, lastActivityAt: 1 } },
  // What has changed since a moment.
  { name: 'changes', key: { changedAt: 1, _id: 1 } },
  // All sessions by time.
  { name: 'listed', key: { lastActivityAt: 1, _id: 1 } },
  // The active ones by id, and the number of those that have ended.
  { name: 'of_status', key: { status: 1, _id: 1 } },
  { name: 'started', key: { startedAt: 1, _id: 1 } },
]

export const READ_MARK_INDEXES: IndexDescription[] = [
  // What has moved since a moment.
  { name: 'moved', key: { movedAt: 1 } },
  { name: 'of_operator', key: { operatorId: 1, movedAt: -1 } },
]

/** The order and the pages of a log. The writer that inserts the next seq first wins. */
export const LOG_INDEX = {
  name: 'log',
  key: { sessionId: 1, seq: 1 },
  unique: true,
} satisfies IndexDescription

export const MESSAGE_INDEXES: IndexDescription[] = [
  LOG_INDEX,
  // The oldest open question of a session, stops and cancellations.
  { name: 'reply_open', key: { 'tasks.reply.openIn': 1 }, sparse: true },
  // The sweep for unfinished questions.
  { name: 'reply_due', key: { 'tasks.reply.dueAt': 1 }, sparse: true },
  // The sweep for questions whose job may be lost, even if many wait.
  { name: 'reply_waits', key: { 'tasks.reply.waitsSince': 1 }, sparse: true },
  // The sweep for alerts that were not opened with their entry.
  { name: 'alerts_wait', key: { 'alerts.waitsSince': 1 }, sparse: true },
]

export const REVOCATION_INDEXES: IndexDescription[] = [
  // What has changed since a moment.
  { name: 'changed', key: { changedAt: 1, _id: 1 } },
]

export const TICKET_INDEXES: IndexDescription[] = [
  // What may be forgotten. No index with a time to live, which not every compatible server has.
  { name: 'ended', key: { endsAt: 1 } },
]

export const AUDIT_INDEXES: IndexDescription[] = [
  { name: 'of_actor', key: { actor: 1, _id: -1 } },
  { name: 'of_action', key: { action: 1, _id: -1 } },
]
