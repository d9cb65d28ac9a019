import type {
  Claim,
  ClaimState,
  CommittedReply,
  OpenReply,
  ReplyKey,
  ReplyOutcome,
  RetryRequest,
} from '@chatbox/core'
import { z } from 'zod'
import type { RecordDeps } from '../store/record-deps.ts'
import {
  sealOutcome,
  storedReplySchema,
  toCommittedReply,
  toOpenReply,
  toRepeatedRetry,
  type StoredReply,
} from '../store/reply-record.ts'
import type { Row, SqliteDatabase } from './sqlite-database.ts'

/** The store's own clock, which judges leases whatever a caller believes the time to be. */
export const NOW_MS = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`

const OWNED = `message_id = ? AND session_id = ? AND reply_id = ? AND epoch = ? AND state = 'running'`

/** The replies table: the outbox of the questions. Each change is one guarded statement. */
export class SqliteOutbox {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
  }

  findOpen(sessionId: string): OpenReply | undefined {
    const row = this.#db.get(
      `SELECT * FROM replies WHERE session_id = ? AND open = 1
       ORDER BY state = 'pending', seq LIMIT 1`,
      sessionId,
    )
    return row && toOpenReply(toStored(row))
  }

  claim({ sessionId, messageId }: ReplyKey, leaseMs: number): OpenReply | undefined {
    const [row] = this.#db.change(
      `UPDATE replies SET state = 'running', epoch = epoch + 1, due_at = ${NOW_MS} + ?
       WHERE message_id = ? AND session_id = ?
       AND (state = 'pending' OR (state = 'running' AND due_at <= ${NOW_MS})) RETURNING *`,
      leaseMs,
      messageId,
      sessionId,
    )
    return row && toOpenReply(toStored(row))
  }

  renew(claim: Claim, leaseMs: number): ClaimState {
    const [row] = this.#db.change(
      `UPDATE replies SET due_at = ${NOW_MS} + ? WHERE ${OWNED} RETURNING *`,
      leaseMs,
      ...toOwned(claim),
    )
    if (!row) return 'lost'
    return toStored(row).stopRequested ? 'stop-requested' : 'held'
  }

  raiseEpoch(claim: Claim, leaseMs: number): Claim | undefined {
    const [row] = this.#db.change(
      `UPDATE replies SET epoch = epoch + 1, due_at = ${NOW_MS} + ? WHERE ${OWNED} RETURNING *`,
      leaseMs,
      ...toOwned(claim),
    )
    return row && { ...claim, epoch: toStored(row).epoch }
  }

  release(claim: Claim): void {
    const sql = `UPDATE replies SET state = 'pending', due_at = ${NOW_MS} WHERE ${OWNED}`
    this.#db.run(sql, ...toOwned(claim))
  }

  commit(claim: Claim, outcome: ReplyOutcome): 'committed' | 'stop-requested' | 'lost' {
    const sealed = sealOutcome(this.#deps, claim, outcome)
    const changed = this.#db.run(
      `UPDATE replies SET state = 'committed', sealed = ?, due_at = ${NOW_MS}
       WHERE ${OWNED} AND (stop_requested = 0 OR ?)`,
      sealed,
      ...toOwned(claim),
      outcome.status === 'complete' ? 0 : 1,
    )
    if (changed > 0) return 'committed'
    const stored = this.#find(claim)
    if (stored?.epoch !== claim.epoch || stored.replyId !== claim.replyId) return 'lost'
    if (stored.state === 'running') return 'stop-requested'
    // Its own earlier commit, of which the answer was lost.
    return stored.state === 'committed' || stored.state === 'done' ? 'committed' : 'lost'
  }

  findCommitted({ sessionId, messageId }: ReplyKey): CommittedReply | undefined {
    const row = this.#db.get(
      `SELECT * FROM replies WHERE message_id = ? AND session_id = ? AND state = 'committed'`,
      messageId,
      sessionId,
    )
    return row && toCommittedReply(this.#deps, toStored(row), row.sealed)
  }

  settle({ sessionId, messageId }: ReplyKey, epoch: number, state: 'done' | 'cancelled'): void {
    this.#db.run(
      `UPDATE replies SET state = ?, open = 0, sealed = NULL
       WHERE message_id = ? AND session_id = ? AND epoch = ? AND state = 'committed'`,
      state,
      messageId,
      sessionId,
      epoch,
    )
  }

  cancel(sessionId: string): string[] {
    const rows = this.#db.change(
      `UPDATE replies SET state = 'cancelled', open = 0, sealed = NULL
       WHERE session_id = ? AND open = 1 RETURNING *`,
      sessionId,
    )
    return rows.map((row) => toStored(row).replyId)
  }

  requestStop(sessionId: string, replyId: string): boolean {
    const changed = this.#db.run(
      `UPDATE replies SET stop_requested = 1
       WHERE session_id = ? AND reply_id = ? AND open = 1 AND state IN ('pending', 'running')`,
      sessionId,
      replyId,
    )
    return changed > 0
  }

  retry(retry: RetryRequest): OpenReply | undefined {
    return this.#db.transaction(() => this.#findRetry(retry) ?? this.#reopen(retry))
  }

  listStranded(staleMs: number, limit: number): OpenReply[] {
    const rows = this.#db.all(
      `SELECT * FROM replies WHERE open = 1 AND due_at <= ${NOW_MS}
       AND (state = 'running' OR due_at <= ${NOW_MS} - ?) ORDER BY due_at LIMIT ?`,
      staleMs,
      limit,
    )
    return rows.map((row) => toOpenReply(toStored(row)))
  }

  #find({ sessionId, messageId }: ReplyKey): StoredReply | undefined {
    const sql = 'SELECT * FROM replies WHERE message_id = ? AND session_id = ?'
    const row = this.#db.get(sql, messageId, sessionId)
    return row && toStored(row)
  }

  #findRetry({ sessionId, messageId }: RetryRequest): OpenReply | undefined {
    const sql = 'SELECT * FROM retries WHERE session_id = ? AND message_id = ?'
    const row = this.#db.get(sql, sessionId, messageId)
    if (!row) return undefined
    const { question_id, reply_id } = retryRowSchema.parse(row)
    const stored = this.#find({ sessionId, messageId: question_id })
    return stored && toRepeatedRetry(stored, reply_id)
  }

  /** Only a reply that is in the log: one that is committed alone may still enter it. */
  #reopen({
    sessionId,
    messageId,
    replyId,
    modelId,
    askedAt,
  }: RetryRequest): OpenReply | undefined {
    const [row] = this.#db.change(
      `UPDATE replies SET state = 'pending', open = 1, epoch = epoch + 1, stop_requested = 0,
       sealed = NULL, reply_id = ?, model_id = ?, asked_at = ?, due_at = ${NOW_MS}
       WHERE session_id = ? AND reply_id = ? AND state IN ('committed', 'done', 'cancelled')
       AND EXISTS (SELECT 1 FROM messages WHERE id = ? AND session_id = ?) RETURNING *`,
      replyId,
      modelId,
      askedAt,
      sessionId,
      messageId,
      messageId,
      sessionId,
    )
    if (!row) return undefined
    const stored = toStored(row)
    this.#db.run(
      'INSERT INTO retries (session_id, message_id, question_id, reply_id) VALUES (?, ?, ?, ?)',
      sessionId,
      messageId,
      stored.messageId,
      replyId,
    )
    return toOpenReply(stored)
  }
}

const retryRowSchema = z.object({ question_id: z.string(), reply_id: z.string() })

function toOwned(claim: Claim): [string, string, string, number] {
  return [claim.messageId, claim.sessionId, claim.replyId, claim.epoch]
}

function toStored(row: Row): StoredReply {
  return storedReplySchema.parse({
    sessionId: row.session_id,
    messageId: row.message_id,
    questionSeq: row.seq,
    replyId: row.reply_id,
    modelId: row.model_id,
    state: row.state,
    epoch: row.epoch,
    stopRequested: row.stop_requested === 1,
    askedAt: row.asked_at,
  })
}
