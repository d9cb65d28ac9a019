import type {
  Claim,
  ClaimState,
  CommitResult,
  CommittedReply,
  ReplyClaims,
  ReplyKey,
  ReplyOutcome,
  ReplyTask,
  RetryRequest,
} from '@chatbox/core'
import type { Filter, UpdateFilter } from 'mongodb'
import type { RecordDeps } from '../store/record-deps.ts'
import {
  sealOutcome,
  toCommittedReply,
  toRefusedCommit,
  toRepeatedRetry,
} from '../store/reply-record.ts'
import { BOUNDED } from './client.ts'
import type { MongoConnection } from './connection.ts'
import {
  parseReplyTask,
  REPLY_TASK_FIELDS,
  toKey,
  type MessageDocument,
  type StoredReplyTask,
} from './documents.ts'

/** Open questions of one session that are looked at together; it has one, nearly always. */
const OPEN_BATCH = 100
const MAX_REPLACED = 100
const CLOSED = {
  'tasks.reply.openIn': '',
  'tasks.reply.dueAt': '',
  'tasks.reply.sealed': '',
} as const
const CHANGED = { ...BOUNDED, projection: REPLY_TASK_FIELDS, returnDocument: 'after' } as const

/** The tasks `reply`. Each change is one compare-and-set on the question's document. */
export class MongoReplyClaims implements ReplyClaims {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  async findOpen(sessionId: string): Promise<ReplyTask | undefined> {
    const open = await this.#mongo.messages
      .find(toOpen(sessionId), { ...BOUNDED, projection: REPLY_TASK_FIELDS })
      .sort({ seq: 1 })
      .limit(OPEN_BATCH)
      .toArray()
    const tasks = open
      .map((document) => this.#toStored(document)?.task)
      .filter((task) => task !== undefined)
    return tasks.find(({ state }) => state !== 'pending') ?? tasks[0]
  }

  async claim(question: ReplyKey, leaseMs: number): Promise<ReplyTask | undefined> {
    const now = await this.#mongo.clock.now()
    const isFree: Filter<MessageDocument> = {
      ...toFilter(question),
      $or: [
        { 'tasks.reply.state': 'pending' },
        { 'tasks.reply.state': 'running', 'tasks.reply.dueAt': { $lte: now } },
      ],
    }
    const claimed = await this.#change(isFree, {
      $set: { 'tasks.reply.state': 'running', 'tasks.reply.dueAt': after(now, leaseMs) },
      $inc: { 'tasks.reply.epoch': 1 },
    })
    return claimed?.task
  }

  async renew(claim: Claim, leaseMs: number): Promise<ClaimState> {
    const dueAt = after(await this.#mongo.clock.now(), leaseMs)
    const renewed = await this.#change(toOwned(claim), { $set: { 'tasks.reply.dueAt': dueAt } })
    if (!renewed) return 'lost'
    return renewed.task.stopRequested ? 'stop-requested' : 'held'
  }

  async raiseEpoch(claim: Claim, leaseMs: number): Promise<Claim | undefined> {
    const dueAt = after(await this.#mongo.clock.now(), leaseMs)
    const raised = await this.#change(toOwned(claim), {
      $set: { 'tasks.reply.dueAt': dueAt },
      $inc: { 'tasks.reply.epoch': 1 },
    })
    return raised && { ...claim, epoch: raised.task.epoch }
  }

  async release(claim: Claim): Promise<void> {
    const dueAt = await this.#mongo.clock.now()
    await this.#change(toOwned(claim), {
      $set: { 'tasks.reply.state': 'pending', 'tasks.reply.dueAt': dueAt },
    })
  }

  async commit(claim: Claim, outcome: ReplyOutcome): Promise<CommitResult> {
    const sealed = sealOutcome(this.#deps, claim, outcome)
    const dueAt = await this.#mongo.clock.now()
    const unstopped = outcome.status === 'complete' ? { 'tasks.reply.stopRequested': false } : {}
    const committed = await this.#change(
      { ...toOwned(claim), ...unstopped },
      {
        $set: {
          'tasks.reply.state': 'committed',
          'tasks.reply.sealed': sealed,
          'tasks.reply.dueAt': dueAt,
        },
      },
    )
    if (committed) return 'committed'
    return toRefusedCommit(claim, (await this.#find(toFilter(claim)))?.task)
  }

  async findCommitted(question: ReplyKey): Promise<CommittedReply | undefined> {
    const found = await this.#find({ ...toFilter(question), 'tasks.reply.state': 'committed' })
    return found && toCommittedReply(this.#deps, found.task, found.sealed)
  }

  async settle(question: ReplyKey, epoch: number, state: 'done' | 'cancelled'): Promise<void> {
    const isCommitted = { 'tasks.reply.state': 'committed', 'tasks.reply.epoch': epoch } as const
    await this.#change(
      { ...toFilter(question), ...isCommitted },
      { $set: { 'tasks.reply.state': state }, $unset: CLOSED },
    )
  }

  async cancel(sessionId: string): Promise<string[]> {
    const checkTime = this.#mongo.startTimer()
    const isOpen = toOpen(sessionId)
    const cancelled: string[] = []
    for (;;) {
      const open = await this.#mongo.messages
        .find(isOpen, { ...BOUNDED, projection: { _id: 1 } })
        .limit(OPEN_BATCH)
        .toArray()
      const changed = await Promise.all(
        open.map(({ _id }) =>
          this.#change(
            { _id, ...isOpen },
            { $set: { 'tasks.reply.state': 'cancelled' }, $unset: CLOSED },
          ),
        ),
      )
      for (const stored of changed) if (stored) cancelled.push(stored.task.replyId)
      if (open.length < OPEN_BATCH) return cancelled
      checkTime()
    }
  }

  async requestStop(sessionId: string, replyId: string): Promise<boolean> {
    const stopped = await this.#change(
      {
        ...toOpen(sessionId),
        'tasks.reply.replyId': toKey(replyId),
        'tasks.reply.state': { $in: ['pending', 'running'] },
      },
      { $set: { 'tasks.reply.stopRequested': true } },
    )
    return stopped !== undefined
  }

  /** Only a reply that is in the log: one that is committed alone may still enter it. */
  async retry(retry: RetryRequest): Promise<ReplyTask | undefined> {
    const { sessionId, messageId } = retry
    const reply = await this.#mongo.messages.findOne(
      { _id: toKey(messageId), sessionId: toKey(sessionId), 'head.sender.type': 'ai' },
      { ...BOUNDED, projection: { head: 1 } },
    )
    const questionId = reply?.head.replyTo
    if (questionId === undefined) return undefined
    const question = toFilter({ sessionId, messageId: questionId })
    const reopened = await this.#reopen(question, retry)
    if (reopened) return reopened.task
    const found = await this.#find(question)
    const then = found?.replaced.find((replaced) => replaced.messageId === messageId)
    return found && then && toRepeatedRetry(found.task, then.replyId)
  }

  async listStranded(staleMs: number, limit: number): Promise<ReplyTask[]> {
    const now = await this.#mongo.clock.now()
    const stranded = await this.#mongo.messages
      .find(
        {
          'tasks.reply.dueAt': { $lte: now },
          $or: [
            { 'tasks.reply.state': 'running' },
            { 'tasks.reply.dueAt': { $lte: after(now, -staleMs) } },
          ],
        },
        { ...BOUNDED, projection: REPLY_TASK_FIELDS },
      )
      .sort({ 'tasks.reply.dueAt': 1 })
      .limit(limit)
      .toArray()
    return stranded
      .map((document) => this.#toStored(document)?.task)
      .filter((task) => task !== undefined)
  }

  async #reopen(
    question: Filter<MessageDocument>,
    { sessionId, messageId, replyId, modelId, askedAt }: RetryRequest,
  ): Promise<StoredReplyTask | undefined> {
    const dueAt = await this.#mongo.clock.now()
    const isSettled: Filter<MessageDocument> = {
      ...question,
      'tasks.reply.replyId': toKey(messageId),
      'tasks.reply.state': { $in: ['committed', 'done', 'cancelled'] },
    }
    return this.#change(isSettled, {
      $set: {
        'tasks.reply.state': 'pending',
        'tasks.reply.replyId': replyId,
        'tasks.reply.modelId': modelId,
        'tasks.reply.askedAt': askedAt,
        'tasks.reply.stopRequested': false,
        'tasks.reply.openIn': sessionId,
        'tasks.reply.dueAt': dueAt,
      },
      $unset: { 'tasks.reply.sealed': '' },
      $inc: { 'tasks.reply.epoch': 1 },
      $push: { 'tasks.reply.replaced': { $each: [{ messageId, replyId }], $slice: -MAX_REPLACED } },
    })
  }

  async #change(
    filter: Filter<MessageDocument>,
    update: UpdateFilter<MessageDocument>,
  ): Promise<StoredReplyTask | undefined> {
    const changed = await this.#mongo.messages.findOneAndUpdate(filter, update, CHANGED)
    return changed ? this.#toStored(changed) : undefined
  }

  async #find(filter: Filter<MessageDocument>): Promise<StoredReplyTask | undefined> {
    const options = { ...BOUNDED, projection: REPLY_TASK_FIELDS }
    const found = await this.#mongo.messages.findOne(
      { ...filter, 'tasks.reply': { $exists: true } },
      options,
    )
    return found ? this.#toStored(found) : undefined
  }

  /** One that cannot be read is reported, and does not keep a sweep from the others. */
  #toStored(document: { _id: string; sessionId?: unknown }): StoredReplyTask | undefined {
    const question = parseReplyTask(document)
    if (!question) {
      const ids = { sessionId: String(document.sessionId), messageId: document._id }
      this.#deps.hooks.onPayloadRefused('reply', ids)
    }
    return question
  }
}

function toFilter({ sessionId, messageId }: ReplyKey): Filter<MessageDocument> {
  return { _id: toKey(messageId), sessionId: toKey(sessionId) }
}

/** The open questions of a session, which is named twice: by an index, and for the shard that has it. */
function toOpen(sessionId: string): Filter<MessageDocument> {
  return { sessionId: toKey(sessionId), 'tasks.reply.openIn': toKey(sessionId) }
}

function toOwned(claim: Claim): Filter<MessageDocument> {
  return {
    ...toFilter(claim),
    'tasks.reply.state': 'running',
    'tasks.reply.replyId': toKey(claim.replyId),
    'tasks.reply.epoch': claim.epoch,
  }
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}
