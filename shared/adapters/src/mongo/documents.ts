import type { Message } from '@chatbox/contract'
import {
  AppError,
  type Claim,
  type LogHead,
  type PlacedEntry,
  type ReplyKey,
  type ReplyTask,
  type SessionOrigin,
} from '@chatbox/core'
import type { Filter, IndexDescription } from 'mongodb'
import { z } from 'zod'
import type { MessageRecord } from '../sealed/message-record.ts'
import type { OriginRecord, StateRecord } from '../sealed/session-record.ts'
import { replyTaskSchema } from '../sealed/reply-record.ts'

/**
 * One session: what it began as, and a projection of the head of its log for lists. The projection
 * is written after the entry and may be behind it; the log is the truth.
 */
export interface SessionDocument extends OriginRecord, StateRecord {
  _id: string
  activeKey: string
  status: string
  lastActivityAt: string
}

/** One entry of a log, with the state after it, and the tasks that it asks for. */
export interface MessageDocument extends Omit<MessageRecord, 'id'>, Omit<StateRecord, 'seq'> {
  _id: string
  /** What the session began as: with the newest entry alone it is told whole. */
  origin: OriginRecord
  /** By kind; each is changed by compare-and-set on its own path. */
  tasks?: { reply?: ReplyTaskDocument }
}

/** What a question asks for: its reply. */
export interface ReplyTaskDocument extends Pick<
  ReplyTask,
  'replyId' | 'modelId' | 'state' | 'epoch' | 'attempts' | 'stopRequested' | 'askedAt'
> {
  /** The session, as long as the question is open. */
  openIn?: string
  /** While it is pending: since when, moved on by a sweep that takes it up. */
  waitsSince?: Date
  /** While it runs: only a claim may follow. */
  leaseEndsAt?: Date
  /** While it runs or is committed: when a sweep may take it up. */
  dueAt?: Date
  /** A mark of the sweep that took it up last. */
  takenBy?: string
  /** The outcome, from the commit to the settlement. */
  sealed?: string
  /** Which reply id took the place of which. */
  replaced: { messageId: string; replyId: string }[]
}

export function newReplyTask(
  { sessionId, createdAt }: Message,
  { replyId, modelId }: NonNullable<PlacedEntry['question']>,
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
    openIn: sessionId,
    waitsSince,
    replaced: [],
  }
}

/** A session with the head of its log, as far as that is known. */
export interface FoundSession {
  origin: SessionOrigin
  head: LogHead
}

/** What a provider calls a session. */
export interface ConversationDocument {
  _id: string
  sealed: string
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

/** Undefined for what is no question. */
export function parseReplyTask(document: unknown): StoredReplyTask | undefined {
  const parsed = questionSchema.safeParse(document)
  if (!parsed.success) return undefined
  const { _id: messageId, sessionId, seq: questionSeq, tasks } = parsed.data
  const { sealed, replaced, ...state } = tasks.reply
  return { task: { sessionId, messageId, questionSeq, ...state }, sealed, replaced }
}

/** A value for a filter. Nothing but text gets into one, whatever the caller's types say. */
export function toKey(value: unknown): string {
  if (typeof value === 'string') return value
  throw new AppError('INVALID_FORMAT', 'An id is a text.')
}

/** One entry, with its session for the shard that has it. */
export function toEntryFilter({ sessionId, messageId }: ReplyKey): {
  _id: string
  sessionId: string
} {
  return { _id: toKey(messageId), sessionId: toKey(sessionId) }
}

/** The open questions of a session, which is named twice: by an index, and for the shard that has it. */
export function toOpen(sessionId: string): Filter<MessageDocument> {
  return { sessionId: toKey(sessionId), 'tasks.reply.openIn': toKey(sessionId) }
}

/** The question of a claim that still owns it. */
export function toOwned(claim: Claim): Filter<MessageDocument> {
  return {
    ...toEntryFilter(claim),
    'tasks.reply.state': 'running',
    'tasks.reply.replyId': toKey(claim.replyId),
    'tasks.reply.epoch': claim.epoch,
  }
}

/**
 * Every index and why it is there. None is partial, which not every compatible server honours: each
 * document has a value for each unique key, and what is indexed of open questions is removed from
 * the document when they are settled, so that sparse indexes stay small.
 */
export const SESSION_INDEXES: IndexDescription[] = [
  // One active session a user; afterwards the key is the session's own.
  { name: 'active', key: { activeKey: 1 }, unique: true },
  // A user's list, latest activity first.
  { name: 'of_user', key: { userId: 1, lastActivityAt: -1, _id: -1 } },
  // The idle sweep, longest idle first.
  { name: 'idle', key: { status: 1, lastActivityAt: 1 } },
]

/** The log's order, and every page of it: whoever inserts the next seq first has decided. */
export const LOG_INDEX = {
  name: 'log',
  key: { sessionId: 1, seq: 1 },
  unique: true,
} satisfies IndexDescription

export const MESSAGE_INDEXES: IndexDescription[] = [
  LOG_INDEX,
  // The oldest open question of a session, its stops and cancellations.
  { name: 'reply_open', key: { 'tasks.reply.openIn': 1 }, sparse: true },
  // The sweep for questions that nobody finishes.
  { name: 'reply_due', key: { 'tasks.reply.dueAt': 1 }, sparse: true },
  // The sweep for questions whose job may be lost, however many wait.
  { name: 'reply_waits', key: { 'tasks.reply.waitsSince': 1 }, sparse: true },
]
