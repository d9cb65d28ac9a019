import { randomUUID } from 'node:crypto'
import type {
  CancelledReply,
  Claim,
  ClaimState,
  CommitResult,
  CommittedReply,
  ReplyClaims,
  ReplyKey,
  ReplyOutcome,
  ReplyTask,
  RetryRequest,
  Taking,
} from '@chatbox/core'
import type { Filter, UpdateFilter } from 'mongodb'
import type { RecordDeps } from '../sealed/key-ring.ts'
import {
  sealOutcome,
  toCancelled,
  SETTLE_MS,
  toCommittedReply,
  toRefusedCommit,
  toRepeatedRetry,
} from '../sealed/reply-record.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import {
  parseReplyTask,
  REPLY_TASK_FIELDS,
  toEntryFilter,
  toKey,
  toOpen,
  toOwned,
  type MessageDocument,
  type StoredReplyTask,
} from './documents.ts'

/**
 * The number of open questions of a session to look at together. Nearly always there is only one.
 */
const OPEN_BATCH = 100
const MAX_REPLACED = 100
/**
 * The fields by which a sweep finds questions. Each has its own index and exists only while it
 * applies.
 */
type DueField = 'tasks.reply.dueAt' | 'tasks.reply.waitsSince'
const NEXT_ATTEMPT = { 'tasks.reply.epoch': 1, 'tasks.reply.attempts': 1 } as const
const NOT_RUNNING = { 'tasks.reply.leaseEndsAt': '', 'tasks.reply.dueAt': '' } as const
const CLOSED = {
  ...NOT_RUNNING,
  'tasks.reply.openIn': '',
  'tasks.reply.waitsSince': '',
  'tasks.reply.takenBy': '',
  'tasks.reply.sealed': '',
} as const
const READ = { ...BOUNDED, projection: REPLY_TASK_FIELDS } as const
const CHANGED = { ...READ, returnDocument: 'after' } as const

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
      .find(toOpen(sessionId), READ)
      .sort({ seq: 1 })
      .limit(OPEN_BATCH)
      .toArray()
    const tasks = this.#toTasks(open)
    return tasks.find(({ state }) => state !== 'pending') ?? tasks[0]
  }

  async claim(question: ReplyKey, leaseMs: number): Promise<ReplyTask | undefined> {
    const now = await this.#mongo.clock.now()
    const isFree: Filter<MessageDocument> = {
      ...toEntryFilter(question),
      $or: [
        { 'tasks.reply.state': 'pending' },
        { 'tasks.reply.state': 'running', 'tasks.reply.leaseEndsAt': { $lte: now } },
      ],
    }
    const claimed = await this.#change(isFree, {
      $set: { 'tasks.reply.state': 'running', ...toLease(now, leaseMs) },
      $unset: { 'tasks.reply.waitsSince': '' },
      $inc: NEXT_ATTEMPT,
    })
    return claimed?.task
  }

  async renew(claim: Claim, leaseMs: number): Promise<ClaimState> {
    const lease = toLease(await this.#mongo.clock.now(), leaseMs)
    const renewed = await this.#change(toOwned(claim), { $set: lease })
    if (!renewed) return 'lost'
    return renewed.task.stopRequested ? 'stop-requested' : 'held'
  }

  async raiseEpoch(claim: Claim, leaseMs: number): Promise<Claim | undefined> {
    const raised = await this.#change(toOwned(claim), {
      $set: toLease(await this.#mongo.clock.now(), leaseMs),
      $inc: NEXT_ATTEMPT,
    })
    return raised && { ...claim, epoch: raised.task.epoch }
  }

  async release(claim: Claim): Promise<void> {
    const now = await this.#mongo.clock.now()
    const pending = { 'tasks.reply.state': 'pending', 'tasks.reply.waitsSince': now } as const
    await this.#change(toOwned(claim), { $set: pending, $unset: NOT_RUNNING })
  }

  async commit(claim: Claim, outcome: ReplyOutcome): Promise<CommitResult> {
    const unstopped = outcome.status === 'complete' ? { 'tasks.reply.stopRequested': false } : {}
    const change = await this.#toCommit(claim, outcome)
    const committed = await this.#change({ ...toOwned(claim), ...unstopped }, change)
    if (committed) return 'committed'
    return toRefusedCommit(claim, (await this.#find(toEntryFilter(claim)))?.task)
  }

  async interrupt(writing: Claim, outcome: ReplyOutcome): Promise<CommittedReply | undefined> {
    const reply = { ...writing, epoch: writing.epoch + 1 }
    const change = await this.#toCommit(reply, outcome)
    const committed = await this.#change(toOwned(writing), {
      ...change,
      $inc: { 'tasks.reply.epoch': 1 },
    })
    return committed && { reply: committed.task, outcome }
  }

  async findCommitted(question: ReplyKey): Promise<CommittedReply | undefined> {
    const found = await this.#find({ ...toEntryFilter(question), 'tasks.reply.state': 'committed' })
    return found && toCommittedReply(this.#deps, found.task, found.sealed)
  }

  async settle(question: ReplyKey, epoch: number, state: 'done' | 'cancelled'): Promise<void> {
    const isCommitted = { 'tasks.reply.state': 'committed', 'tasks.reply.epoch': epoch } as const
    await this.#change(
      { ...toEntryFilter(question), ...isCommitted },
      { $set: { 'tasks.reply.state': state }, $unset: CLOSED },
    )
  }

  async cancel(sessionId: string, upTo: number | 'all'): Promise<CancelledReply[]> {
    const upToSeq = upTo === 'all' ? Number.MAX_SAFE_INTEGER : upTo
    const checkTime = this.#mongo.startTimer()
    const isOpen = { ...toOpen(sessionId), seq: { $lte: upToSeq } }
    const cancelled: CancelledReply[] = []
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
      for (const stored of changed) if (stored) cancelled.push(toCancelled(stored.task))
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

  /**
   * Only a reply in the log can be replaced. One that is only committed may still enter the log.
   */
  async retry(retry: RetryRequest): Promise<ReplyTask | undefined> {
    const { sessionId, messageId } = retry
    const reply = await this.#mongo.messages.findOne(
      { ...toEntryFilter(retry), 'head.sender.type': 'ai' },
      { ...BOUNDED, projection: { head: 1 } },
    )
    const questionId = reply?.head.replyTo
    if (questionId === undefined) return undefined
    const question = toEntryFilter({ sessionId, messageId: questionId })
    const reopened = await this.#reopen(question, retry)
    if (reopened) return reopened.task
    const found = await this.#find(question)
    const then = found?.replaced.find((replaced) => replaced.messageId === messageId)
    return found && then && toRepeatedRetry(found.task, then.replyId)
  }

  async takeUnfinished(taking: Taking): Promise<ReplyTask[]> {
    return this.#take('tasks.reply.dueAt', await this.#mongo.clock.now(), taking)
  }

  async takeWaiting(staleMs: number, taking: Taking): Promise<ReplyTask[]> {
    const dueBy = after(await this.#mongo.clock.now(), -staleMs)
    return this.#take('tasks.reply.waitsSince', dueBy, taking)
  }

  /**
   * Takes up any number of tasks in three commands: find the due ones, compare-and-set each due
   * time, and read the tasks again. The mark tells which of them this caller won.
   */
  async #take(field: DueField, dueBy: Date, { forMs, limit }: Taking): Promise<ReplyTask[]> {
    const { messages } = this.#mongo
    const due = await messages
      .find({ [field]: { $lte: dueBy } }, { ...BOUNDED, projection: { _id: 1, sessionId: 1 } })
      .sort({ [field]: 1 })
      .limit(limit)
      .toArray()
    if (due.length === 0) return []
    const takenBy = randomUUID()
    const update = { $set: { [field]: after(dueBy, forMs), 'tasks.reply.takenBy': takenBy } }
    await messages.bulkWrite(
      due.map(({ _id, sessionId }) => ({
        updateOne: { filter: { _id, sessionId, [field]: { $lte: dueBy } }, update },
      })),
      { ...BOUNDED, ordered: false },
    )
    const ids = due.map(({ _id }) => _id)
    const sessionIds = due.map(({ sessionId }) => sessionId)
    const taken = { _id: { $in: ids }, sessionId: { $in: sessionIds } }
    const found = await messages.find(taken, READ).toArray()
    return this.#toTasks(found.filter(({ tasks }) => tasks?.reply?.takenBy === takenBy))
  }

  async #toCommit(claim: Claim, outcome: ReplyOutcome) {
    const sealed = sealOutcome(this.#deps, claim, outcome)
    return {
      $set: {
        'tasks.reply.state': 'committed',
        'tasks.reply.sealed': sealed,
        'tasks.reply.dueAt': after(await this.#mongo.clock.now(), SETTLE_MS),
      },
      $unset: { 'tasks.reply.leaseEndsAt': '' },
    } as const
  }

  async #reopen(
    question: Filter<MessageDocument>,
    { sessionId, messageId, replyId, modelId, askedAt, payer, lane }: RetryRequest,
  ): Promise<StoredReplyTask | undefined> {
    const waitsSince = await this.#mongo.clock.now()
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
        'tasks.reply.attempts': 0,
        'tasks.reply.stopRequested': false,
        'tasks.reply.openIn': sessionId,
        'tasks.reply.waitsSince': waitsSince,
        ...(payer ? { 'tasks.reply.payer': payer } : {}),
        ...(lane === undefined ? {} : { 'tasks.reply.lane': lane }),
      },
      $unset: {
        'tasks.reply.sealed': '',
        'tasks.reply.dueAt': '',
        ...(payer ? {} : { 'tasks.reply.payer': '' }),
        ...(lane === undefined ? { 'tasks.reply.lane': '' } : {}),
      },
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
    const isQuestion = { ...filter, 'tasks.reply': { $exists: true } }
    const found = await this.#mongo.messages.findOne(isQuestion, READ)
    return found ? this.#toStored(found) : undefined
  }

  #toTasks(documents: MessageDocument[]): ReplyTask[] {
    return documents
      .map((document) => this.#toStored(document)?.task)
      .filter((task) => task !== undefined)
  }

  /** A task that cannot be read is reported and does not keep a sweep from the others. */
  #toStored(document: { _id: string; sessionId?: unknown }): StoredReplyTask | undefined {
    const question = parseReplyTask(document)
    if (!question) {
      const ids = { sessionId: String(document.sessionId), messageId: document._id }
      this.#deps.hooks.onPayloadRefused('reply', ids)
    }
    return question
  }
}

function toLease(now: Date, leaseMs: number) {
  const endsAt = after(now, leaseMs)
  return { 'tasks.reply.leaseEndsAt': endsAt, 'tasks.reply.dueAt': endsAt }
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}
