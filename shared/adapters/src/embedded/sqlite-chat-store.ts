import { join } from 'node:path'
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
import { toContext } from '../crypto/key-ring.ts'
import { openJson, sealJson, type RecordDeps } from '../store/record-deps.ts'
import { openSqliteDatabase, type SqliteDatabase } from './sqlite-database.ts'
import { SqliteLog } from './sqlite-log.ts'
import { SqliteOutbox } from './sqlite-outbox.ts'
import { SqliteSessions } from './sqlite-sessions.ts'

export interface SqliteStoreOptions extends RecordDeps {
  /** The folder of `chatbox.db`; it is created where it is missing. */
  dataDir: string
}

/** Throws a one-line reason where the folder or the file cannot be used. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<ChatStore> {
  const { dataDir, ...deps } = options
  return new SqliteChatStore(openSqliteDatabase(join(dataDir, 'chatbox.db')), deps)
}

/**
 * The store of one process, in one file. A call blocks for the time of its disk write, which is what
 * makes an acknowledged write durable; methods are async so that a fault is a rejection.
 */
class SqliteChatStore implements ChatStore {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps
  readonly #sessions: SqliteSessions
  readonly #log: SqliteLog
  readonly #outbox: SqliteOutbox

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
    this.#sessions = new SqliteSessions(db, deps)
    this.#log = new SqliteLog(db, deps, this.#sessions)
    this.#outbox = new SqliteOutbox(db, deps)
  }

  async createSession(session: NewSession) {
    return this.#sessions.create(session)
  }

  async findSession(sessionId: string) {
    const found = this.#sessions.find(sessionId)
    return found && toSession(found.origin, found.tip)
  }

  async findHead(sessionId: string) {
    return this.#sessions.findHead(sessionId)
  }

  async findActiveSession(userId: string) {
    return this.#sessions.findActive(userId)
  }

  async listSessions(userId: string, page: { limit: number; cursor?: string }) {
    return this.#sessions.list(userId, page)
  }

  async listIdleSessions(before: Date, limit: number) {
    return this.#sessions.listIdle(before, limit)
  }

  async append(entry: NewEntry) {
    return this.#log.append(entry)
  }

  async prepareAppend() {
    // An append reads and writes in one transaction, without a way to go.
  }

  async readMessages(sessionId: string, range: LogRange) {
    return this.#log.read(sessionId, range)
  }

  async openLog(sessionId: string, range: Omit<LogRange, 'beforeSeq'>) {
    return this.#log.open(sessionId, range)
  }

  async findMessage(sessionId: string, messageId: string) {
    return this.#log.find(sessionId, messageId)
  }

  async findOpenReply(sessionId: string) {
    return this.#outbox.findOpen(sessionId)
  }

  async claimReply(question: ReplyKey, leaseMs: number) {
    return this.#outbox.claim(question, leaseMs)
  }

  async renewReply(claim: Claim, leaseMs: number) {
    return this.#outbox.renew(claim, leaseMs)
  }

  async raiseEpoch(claim: Claim, leaseMs: number) {
    return this.#outbox.raiseEpoch(claim, leaseMs)
  }

  async releaseReply(claim: Claim) {
    this.#outbox.release(claim)
  }

  async commitReply(claim: Claim, outcome: ReplyOutcome) {
    return this.#outbox.commit(claim, outcome)
  }

  async findCommittedReply(question: ReplyKey) {
    return this.#outbox.findCommitted(question)
  }

  async settleReply(question: ReplyKey, epoch: number, state: 'done' | 'cancelled') {
    this.#outbox.settle(question, epoch, state)
  }

  async cancelReplies(sessionId: string) {
    return this.#outbox.cancel(sessionId)
  }

  async requestStop(sessionId: string, replyId: string) {
    return this.#outbox.requestStop(sessionId, replyId)
  }

  async retryReply(retry: RetryRequest) {
    return this.#outbox.retry(retry)
  }

  async listStrandedReplies(staleMs: number, limit: number) {
    return this.#outbox.listStranded(staleMs, limit)
  }

  async readConversationRef(sessionId: string, modelId: string) {
    const row = this.#db.get(
      'SELECT sealed FROM conversations WHERE session_id = ? AND model_id = ?',
      sessionId,
      modelId,
    )
    const ref = openJson(this.#deps, row?.sealed, toContext('ref', sessionId, modelId))
    return typeof ref === 'string' ? ref : undefined
  }

  async saveConversationRef(sessionId: string, modelId: string, ref: string) {
    this.#db.run(
      `INSERT INTO conversations (session_id, model_id, sealed) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET sealed = excluded.sealed`,
      sessionId,
      modelId,
      sealJson(this.#deps, ref, toContext('ref', sessionId, modelId)),
    )
  }

  async ping() {
    this.#db.get('SELECT 1')
  }

  async close() {
    this.#db.close()
  }
}
