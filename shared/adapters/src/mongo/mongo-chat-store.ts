import {
  toSession,
  type ChatStore,
  type Claim,
  type LogRange,
  type NewEntry,
  type NewSession,
  type ReplyKey,
  type ReplyOutcome,
  type RetryRequest,
} from '@chatbox/core'
import { settlesWithin } from '../common/waiting.ts'
import { toContext } from '../crypto/key-ring.ts'
import { openJson, sealJson, type RecordDeps } from '../store/record-deps.ts'
import { BOUNDED } from './client.ts'
import { openMongoConnection, type MongoConnection } from './connection.ts'
import { isDuplicateKey } from './deadline.ts'
import { toKey } from './documents.ts'
import { MongoLog } from './mongo-log.ts'
import { MongoOutbox } from './mongo-outbox.ts'
import { MongoSessions } from './mongo-sessions.ts'
import type { SchemaHooks } from './schema/migrate-mongo.ts'
import { TipWriter } from './tip-writer.ts'

export interface MongoStoreOptions extends RecordDeps {
  uri: string
  database: string
  hooks: RecordDeps['hooks'] & SchemaHooks
  /** Ends the wait for a database that another process brings to this version. */
  signal?: AbortSignal
}

const FLUSH_TIMEOUT_MS = 2000

/** Rejects with `UNAVAILABLE` where no server answers; whoever opens it decides about waiting. */
export async function openMongoStore(options: MongoStoreOptions): Promise<ChatStore> {
  const { uri: mongoUri, database: mongoDatabase, cipher, hooks } = options
  const { signal = new AbortController().signal } = options
  const connection = await openMongoConnection({ mongoUri, mongoDatabase, signal, hooks })
  return new MongoChatStore(connection, { cipher, hooks })
}

/**
 * The store of many processes. It needs single documents and unique indexes, nothing more: no
 * transactions, change streams, pipeline updates or partial indexes.
 */
class MongoChatStore implements ChatStore {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly #tips: TipWriter
  readonly #sessions: MongoSessions
  readonly #log: MongoLog
  readonly #outbox: MongoOutbox
  #closing: Promise<void> | undefined

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
    this.#tips = new TipWriter(mongo, deps.hooks)
    this.#sessions = new MongoSessions(mongo, deps, this.#tips)
    this.#log = new MongoLog({ ...deps, mongo, sessions: this.#sessions, tips: this.#tips })
    this.#outbox = new MongoOutbox(mongo, deps)
  }

  async createSession(session: NewSession) {
    return this.#mongo.call(() => this.#sessions.create(session))
  }

  async findSession(sessionId: string) {
    const found = await this.#mongo.call(() => this.#sessions.find(sessionId))
    return found && toSession(found.origin, found.tip)
  }

  async findHead(sessionId: string, knownSeq: number) {
    return this.#mongo.call(() => this.#sessions.findHead(sessionId, knownSeq))
  }

  async findActiveSession(userId: string) {
    return this.#mongo.call(() => this.#sessions.findActive(userId))
  }

  async listSessions(userId: string, page: { limit: number; cursor?: string }) {
    return this.#mongo.call(() => this.#sessions.list(userId, page))
  }

  async listIdleSessions(before: Date, limit: number) {
    return this.#mongo.call(() => this.#sessions.listIdle(before, limit))
  }

  async append(entry: NewEntry) {
    return this.#mongo.call((signal) => this.#log.append(entry, signal))
  }

  async prepareAppend(sessionId: string) {
    // Whoever appends finds out by itself.
    await this.#mongo.call(() => this.#log.prepareAppend(sessionId)).catch(() => undefined)
  }

  async readMessages(sessionId: string, range: LogRange) {
    return this.#mongo.call(() => this.#log.read(sessionId, range))
  }

  async openLog(sessionId: string, range: Omit<LogRange, 'beforeSeq'>) {
    return this.#mongo.call(() => this.#log.open(sessionId, range))
  }

  async findMessage(sessionId: string, messageId: string) {
    return this.#mongo.call(() => this.#log.find(sessionId, messageId))
  }

  async findOpenReply(sessionId: string) {
    return this.#mongo.call(() => this.#outbox.findOpen(sessionId))
  }

  async claimReply(question: ReplyKey, leaseMs: number) {
    return this.#mongo.call(() => this.#outbox.claim(question, leaseMs))
  }

  async renewReply(claim: Claim, leaseMs: number) {
    return this.#mongo.call(() => this.#outbox.renew(claim, leaseMs))
  }

  async raiseEpoch(claim: Claim, leaseMs: number) {
    return this.#mongo.call(() => this.#outbox.raiseEpoch(claim, leaseMs))
  }

  async releaseReply(claim: Claim) {
    await this.#mongo.call(() => this.#outbox.release(claim))
  }

  async commitReply(claim: Claim, outcome: ReplyOutcome) {
    return this.#mongo.call(() => this.#outbox.commit(claim, outcome))
  }

  async findCommittedReply(question: ReplyKey) {
    return this.#mongo.call(() => this.#outbox.findCommitted(question))
  }

  async settleReply(question: ReplyKey, epoch: number, state: 'done' | 'cancelled') {
    await this.#mongo.call(() => this.#outbox.settle(question, epoch, state))
  }

  async cancelReplies(sessionId: string) {
    return this.#mongo.call((signal) => this.#outbox.cancel(sessionId, signal))
  }

  async requestStop(sessionId: string, replyId: string) {
    return this.#mongo.call(() => this.#outbox.requestStop(sessionId, replyId))
  }

  async retryReply(retry: RetryRequest) {
    return this.#mongo.call(() => this.#outbox.retry(retry))
  }

  async listStrandedReplies(staleMs: number, limit: number) {
    return this.#mongo.call(() => this.#outbox.listStranded(staleMs, limit))
  }

  async readConversationRef(sessionId: string, modelId: string) {
    const _id = toConversationId(sessionId, modelId)
    const found = await this.#mongo.call(() => this.#mongo.conversations.findOne({ _id }, BOUNDED))
    const ref = openJson(this.#deps, found?.sealed, toContext('ref', sessionId, modelId))
    return typeof ref === 'string' ? ref : undefined
  }

  async saveConversationRef(sessionId: string, modelId: string, ref: string) {
    const _id = toConversationId(sessionId, modelId)
    const sealed = sealJson(this.#deps, ref, toContext('ref', sessionId, modelId))
    const save = () =>
      this.#mongo.conversations.updateOne(
        { _id },
        { $set: { sealed } },
        { ...BOUNDED, upsert: true },
      )
    await this.#mongo.call(() =>
      // Of two first ones at once, one fails to insert and finds a document to update.
      save().catch((error: unknown) => {
        if (isDuplicateKey(error)) return save()
        throw error
      }),
    )
  }

  async ping() {
    await this.#mongo.ping()
  }

  async close() {
    await (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await settlesWithin(FLUSH_TIMEOUT_MS, this.#tips.flush())
    await this.#mongo.close()
  }
}

function toConversationId(sessionId: string, modelId: string): string {
  return toKey(`${toKey(sessionId)}/${toKey(modelId)}`)
}
