import type {
  Claim,
  ClaimState,
  CommittedReply,
  OpenReply,
  ReplyKey,
  ReplyOutcome,
  RetryRequest,
} from '@chatbox/core'
import type { Filter, UpdateFilter } from 'mongodb'
import type { RecordDeps } from '../store/record-deps.ts'
import {
  sealOutcome,
  toCommittedReply,
  toOpenReply,
  toRepeatedRetry,
} from '../store/reply-record.ts'
import { BOUNDED } from './client.ts'
import type { MongoConnection } from './connection.ts'
import {
  QUESTION_FIELDS,
  toKey,
  parseQuestion,
  type MessageDocument,
  type StoredQuestion,
} from './documents.ts'

/** Open questions of one session that are looked at together; it has one, nearly always. */
const OPEN_BATCH = 100
const MAX_REPLACED = 100
const CLOSED = { 'reply.openIn': '', 'reply.dueAt': '', 'reply.sealed': '' } as const
const CHANGED = { ...BOUNDED, projection: QUESTION_FIELDS, returnDocument: 'after' } as const

/** The outbox of the questions. Each change is one compare-and-set on the question's document. */
export class MongoOutbox {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  async findOpen(sessionId: string): Promise<OpenReply | undefined> {
    const open = await this.#mongo.messages
      .find({ 'reply.openIn': toKey(sessionId) }, { ...BOUNDED, projection: QUESTION_FIELDS })
      .sort({ seq: 1 })
      .limit(OPEN_BATCH)
      .toArray()
    const questions = open
      .map((document) => this.#toQuestion(document)?.stored)
      .filter((question) => question !== undefined)
    const next = questions.find(({ state }) => state !== 'pending') ?? questions[0]
    return next && toOpenReply(next)
  }

  async claim(question: ReplyKey, leaseMs: number): Promise<OpenReply | undefined> {
    const now = await this.#mongo.clock.now()
    const isFree: Filter<MessageDocument> = {
      ...toFilter(question),
      $or: [
        { 'reply.state': 'pending' },
        { 'reply.state': 'running', 'reply.dueAt': { $lte: now } },
      ],
    }
    const claimed = await this.#change(isFree, {
      $set: { 'reply.state': 'running', 'reply.dueAt': after(now, leaseMs) },
      $inc: { 'reply.epoch': 1 },
    })
    return claimed && toOpenReply(claimed.stored)
  }

  async renew(claim: Claim, leaseMs: number): Promise<ClaimState> {
    const dueAt = after(await this.#mongo.clock.now(), leaseMs)
    const renewed = await this.#change(toOwned(claim), { $set: { 'reply.dueAt': dueAt } })
    if (!renewed) return 'lost'
    return renewed.stored.stopRequested ? 'stop-requested' : 'held'
  }

  async raiseEpoch(claim: Claim, leaseMs: number): Promise<Claim | undefined> {
    const dueAt = after(await this.#mongo.clock.now(), leaseMs)
    const raised = await this.#change(toOwned(claim), {
      $set: { 'reply.dueAt': dueAt },
      $inc: { 'reply.epoch': 1 },
    })
    return raised && { ...claim, epoch: raised.stored.epoch }
  }

  async release(claim: Claim): Promise<void> {
    const dueAt = await this.#mongo.clock.now()
    await this.#change(toOwned(claim), {
      $set: { 'reply.state': 'pending', 'reply.dueAt': dueAt },
    })
  }

  async commit(
    claim: Claim,
    outcome: ReplyOutcome,
  ): Promise<'committed' | 'stop-requested' | 'lost'> {
    const sealed = sealOutcome(this.#deps, claim, outcome)
    const dueAt = await this.#mongo.clock.now()
    const unstopped = outcome.status === 'complete' ? { 'reply.stopRequested': false } : {}
    const committed = await this.#change(
      { ...toOwned(claim), ...unstopped },
      { $set: { 'reply.state': 'committed', 'reply.sealed': sealed, 'reply.dueAt': dueAt } },
    )
    if (committed) return 'committed'
    const stored = (await this.#find(toFilter(claim)))?.stored
    if (stored?.epoch !== claim.epoch || stored.replyId !== claim.replyId) return 'lost'
    if (stored.state === 'running') return 'stop-requested'
    // Its own earlier commit, of which the answer was lost.
    return stored.state === 'committed' || stored.state === 'done' ? 'committed' : 'lost'
  }

  async findCommitted(question: ReplyKey): Promise<CommittedReply | undefined> {
    const found = await this.#find({ ...toFilter(question), 'reply.state': 'committed' })
    return found && toCommittedReply(this.#deps, found.stored, found.sealed)
  }

  async settle(question: ReplyKey, epoch: number, state: 'done' | 'cancelled'): Promise<void> {
    const isCommitted = { 'reply.state': 'committed', 'reply.epoch': epoch } as const
    await this.#change(
      { ...toFilter(question), ...isCommitted },
      { $set: { 'reply.state': state }, $unset: CLOSED },
    )
  }

  async cancel(sessionId: string, signal: AbortSignal): Promise<string[]> {
    const openIn = toKey(sessionId)
    const cancelled: string[] = []
    for (;;) {
      const open = await this.#mongo.messages
        .find({ 'reply.openIn': openIn }, { ...BOUNDED, projection: { _id: 1 } })
        .limit(OPEN_BATCH)
        .toArray()
      const changed = await Promise.all(
        open.map(({ _id }) =>
          this.#change(
            { _id, 'reply.openIn': openIn },
            { $set: { 'reply.state': 'cancelled' }, $unset: CLOSED },
          ),
        ),
      )
      for (const question of changed) if (question) cancelled.push(question.stored.replyId)
      if (open.length < OPEN_BATCH) return cancelled
      signal.throwIfAborted()
    }
  }

  async requestStop(sessionId: string, replyId: string): Promise<boolean> {
    const stopped = await this.#change(
      {
        'reply.openIn': toKey(sessionId),
        'reply.replyId': toKey(replyId),
        'reply.state': { $in: ['pending', 'running'] },
      },
      { $set: { 'reply.stopRequested': true } },
    )
    return stopped !== undefined
  }

  /** Only a reply that is in the log: one that is committed alone may still enter it. */
  async retry(retry: RetryRequest): Promise<OpenReply | undefined> {
    const { sessionId, messageId } = retry
    const reply = await this.#mongo.messages.findOne(
      { _id: toKey(messageId), sessionId: toKey(sessionId), 'head.sender.type': 'ai' },
      { ...BOUNDED, projection: { head: 1 } },
    )
    const questionId = reply?.head.replyTo
    if (questionId === undefined) return undefined
    const question = toFilter({ sessionId, messageId: questionId })
    const reopened = await this.#reopen(question, retry)
    if (reopened) return toOpenReply(reopened.stored)
    const found = await this.#find(question)
    const then = found?.replaced.find((replaced) => replaced.messageId === messageId)
    return found && then && toRepeatedRetry(found.stored, then.replyId)
  }

  async listStranded(staleMs: number, limit: number): Promise<OpenReply[]> {
    const now = await this.#mongo.clock.now()
    const stranded = await this.#mongo.messages
      .find(
        {
          'reply.dueAt': { $lte: now },
          $or: [{ 'reply.state': 'running' }, { 'reply.dueAt': { $lte: after(now, -staleMs) } }],
        },
        { ...BOUNDED, projection: QUESTION_FIELDS },
      )
      .sort({ 'reply.dueAt': 1 })
      .limit(limit)
      .toArray()
    return stranded
      .map((document) => this.#toQuestion(document))
      .filter((question) => question !== undefined)
      .map(({ stored }) => toOpenReply(stored))
  }

  async #reopen(
    question: Filter<MessageDocument>,
    { sessionId, messageId, replyId, modelId, askedAt }: RetryRequest,
  ): Promise<StoredQuestion | undefined> {
    const dueAt = await this.#mongo.clock.now()
    const isSettled: Filter<MessageDocument> = {
      ...question,
      'reply.replyId': toKey(messageId),
      'reply.state': { $in: ['committed', 'done', 'cancelled'] },
    }
    return this.#change(isSettled, {
      $set: {
        'reply.state': 'pending',
        'reply.replyId': replyId,
        'reply.modelId': modelId,
        'reply.askedAt': askedAt,
        'reply.stopRequested': false,
        'reply.openIn': sessionId,
        'reply.dueAt': dueAt,
      },
      $unset: { 'reply.sealed': '' },
      $inc: { 'reply.epoch': 1 },
      $push: { 'reply.replaced': { $each: [{ messageId, replyId }], $slice: -MAX_REPLACED } },
    })
  }

  async #change(
    filter: Filter<MessageDocument>,
    update: UpdateFilter<MessageDocument>,
  ): Promise<StoredQuestion | undefined> {
    const changed = await this.#mongo.messages.findOneAndUpdate(filter, update, CHANGED)
    return changed ? this.#toQuestion(changed) : undefined
  }

  async #find(filter: Filter<MessageDocument>): Promise<StoredQuestion | undefined> {
    const options = { ...BOUNDED, projection: QUESTION_FIELDS }
    const found = await this.#mongo.messages.findOne(
      { ...filter, reply: { $exists: true } },
      options,
    )
    return found ? this.#toQuestion(found) : undefined
  }

  /** One that cannot be read is reported, and does not keep a sweep from the others. */
  #toQuestion(document: { _id: string; sessionId?: unknown }): StoredQuestion | undefined {
    const question = parseQuestion(document)
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

function toOwned(claim: Claim): Filter<MessageDocument> {
  return {
    ...toFilter(claim),
    'reply.state': 'running',
    'reply.replyId': toKey(claim.replyId),
    'reply.epoch': claim.epoch,
  }
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}
