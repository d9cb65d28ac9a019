import type {
  CancelledReply,
  Claim,
  ClaimState,
  CommitResult,
  CommittedReply,
  Payer,
  ReplyClaims,
  ReplyKey,
  ReplyOutcome,
  ReplyTask,
  RetryRequest,
  Taking,
} from '@chatbox/core'
import { z } from 'zod'
import type { RecordDeps } from '../sealed/key-ring.ts'
import {
  replyTaskSchema,
  sealOutcome,
  toCancelled,
  SETTLE_MS,
  toCommittedReply,
  toRefusedCommit,
  toRepeatedRetry,
} from '../sealed/reply-record.ts'
import { parseJson, type Row, type SqliteDatabase } from './sqlite-database.ts'

/** The store's own clock. Leases use it, whatever time the caller has. */
export const NOW_MS = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`

const KEY = `message_id = ? AND kind = 'reply' AND session_id = ?`
const OWNED = `${KEY} AND reply_id = ? AND epoch = ? AND state = 'running'`
const NEXT_ATTEMPT = 'epoch = epoch + 1, attempts = attempts + 1'
const LEASE = `lease_ends_at = ${NOW_MS} + ?, due_at = ${NOW_MS} + ?`
const OPEN = `kind = 'reply' AND session_id = ? AND open = 1`

/** The tasks of the kind `reply`. Each change is one guarded statement. */
export class SqliteReplyClaims implements ReplyClaims {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
  }

  async findOpen(sessionId: string): Promise<ReplyTask | undefined> {
    const row = this.#db.get(
      `SELECT * FROM tasks WHERE ${OPEN} ORDER BY state = 'pending', seq LIMIT 1`,
      sessionId,
    )
    return row && toTask(row)
  }

  async claim({ sessionId, messageId }: ReplyKey, leaseMs: number): Promise<ReplyTask | undefined> {
    const [row] = this.#db.change(
      `UPDATE tasks SET state = 'running', ${NEXT_ATTEMPT}, ${LEASE}
       WHERE ${KEY} AND (state = 'pending' OR (state = 'running' AND lease_ends_at <= ${NOW_MS}))
       RETURNING *`,
      leaseMs,
      leaseMs,
      messageId,
      sessionId,
    )
    return row && toTask(row)
  }

  async renew(claim: Claim, leaseMs: number): Promise<ClaimState> {
    const [row] = this.#db.change(
      `UPDATE tasks SET ${LEASE} WHERE ${OWNED} RETURNING *`,
      leaseMs,
      leaseMs,
      ...toOwned(claim),
    )
    if (!row) return 'lost'
    return toTask(row).stopRequested ? 'stop-requested' : 'held'
  }

  async raiseEpoch(claim: Claim, leaseMs: number): Promise<Claim | undefined> {
    const [row] = this.#db.change(
      `UPDATE tasks SET ${NEXT_ATTEMPT}, ${LEASE} WHERE ${OWNED} RETURNING *`,
      leaseMs,
      leaseMs,
      ...toOwned(claim),
    )
    return row && { ...claim, epoch: toTask(row).epoch }
  }

  async release(claim: Claim): Promise<void> {
    const sql = `UPDATE tasks SET state = 'pending', due_at = ${NOW_MS} WHERE ${OWNED}`
    this.#db.run(sql, ...toOwned(claim))
  }

  async commit(claim: Claim, outcome: ReplyOutcome): Promise<CommitResult> {
    const sealed = sealOutcome(this.#deps, claim, outcome)
    const changed = this.#db.run(
      `UPDATE tasks SET state = 'committed', sealed = ?, due_at = ${NOW_MS} + ${SETTLE_MS}
       WHERE ${OWNED} AND (stop_requested = 0 OR ?)`,
      sealed,
      ...toOwned(claim),
      outcome.status === 'complete' ? 0 : 1,
    )
    if (changed > 0) return 'committed'
    return toRefusedCommit(claim, this.#find(claim))
  }

  async interrupt(writing: Claim, outcome: ReplyOutcome): Promise<CommittedReply | undefined> {
    const reply = { ...writing, epoch: writing.epoch + 1 }
    const sealed = sealOutcome(this.#deps, reply, outcome)
    const [row] = this.#db.change(
      `UPDATE tasks SET state = 'committed', sealed = ?, epoch = epoch + 1,
       due_at = ${NOW_MS} + ${SETTLE_MS} WHERE ${OWNED} RETURNING *`,
      sealed,
      ...toOwned(writing),
    )
    return row && { reply: toTask(row), outcome }
  }

  async findCommitted({ sessionId, messageId }: ReplyKey): Promise<CommittedReply | undefined> {
    const row = this.#db.get(
      `SELECT * FROM tasks WHERE ${KEY} AND state = 'committed'`,
      messageId,
      sessionId,
    )
    return row && toCommittedReply(this.#deps, toTask(row), row.sealed)
  }

  async settle(
    { sessionId, messageId }: ReplyKey,
    epoch: number,
    state: 'done' | 'cancelled',
  ): Promise<void> {
    this.#db.run(
      `UPDATE tasks SET state = ?, open = 0, sealed = NULL
       WHERE ${KEY} AND epoch = ? AND state = 'committed'`,
      state,
      messageId,
      sessionId,
      epoch,
    )
  }

  async cancel(sessionId: string, upTo: number | 'all'): Promise<CancelledReply[]> {
    const upToSeq = upTo === 'all' ? Number.MAX_SAFE_INTEGER : upTo
    const rows = this.#db.change(
      `UPDATE tasks SET state = 'cancelled', open = 0, sealed = NULL
       WHERE ${OPEN} AND seq <= ? RETURNING *`,
      sessionId,
      upToSeq,
    )
    return rows.map((row) => toCancelled(toTask(row)))
  }

  async requestStop(sessionId: string, replyId: string): Promise<boolean> {
    const changed = this.#db.run(
      `UPDATE tasks SET stop_requested = 1
       WHERE ${OPEN} AND reply_id = ? AND state IN ('pending', 'running')`,
      sessionId,
      replyId,
    )
    return changed > 0
  }

  async retry(retry: RetryRequest): Promise<ReplyTask | undefined> {
    return this.#db.transaction(() => this.#findRetry(retry) ?? this.#reopen(retry))
  }

  async takeUnfinished(taking: Taking): Promise<ReplyTask[]> {
    return this.#take(`'running', 'committed'`, 0, taking)
  }

  async takeWaiting(staleMs: number, taking: Taking): Promise<ReplyTask[]> {
    return this.#take(`'pending'`, staleMs, taking)
  }

  #take(states: string, staleMs: number, { forMs, limit }: Taking): ReplyTask[] {
    const rows = this.#db.change(
      `UPDATE tasks SET due_at = ${NOW_MS} + ? WHERE kind = 'reply' AND message_id IN
       (SELECT message_id FROM tasks WHERE kind = 'reply' AND open = 1 AND state IN (${states})
        AND due_at <= ${NOW_MS} - ? ORDER BY due_at LIMIT ?) RETURNING *`,
      forMs - staleMs,
      staleMs,
      limit,
    )
    return rows.map((row) => toTask(row))
  }

  #find({ sessionId, messageId }: ReplyKey): ReplyTask | undefined {
    const row = this.#db.get(`SELECT * FROM tasks WHERE ${KEY}`, messageId, sessionId)
    return row && toTask(row)
  }

  #findRetry({ sessionId, messageId }: RetryRequest): ReplyTask | undefined {
    const sql = 'SELECT * FROM retries WHERE session_id = ? AND message_id = ?'
    const row = this.#db.get(sql, sessionId, messageId)
    if (!row) return undefined
    const { question_id, reply_id } = retryRowSchema.parse(row)
    const task = this.#find({ sessionId, messageId: question_id })
    return task && toRepeatedRetry(task, reply_id)
  }

  /**
   * Only a reply in the log can be replaced. One that is only committed may still enter the log.
   */
  #reopen({
    sessionId,
    messageId,
    replyId,
    modelId,
    askedAt,
    payer,
    lane,
  }: RetryRequest): ReplyTask | undefined {
    const [row] = this.#db.change(
      `UPDATE tasks SET state = 'pending', open = 1, epoch = epoch + 1, attempts = 0, stop_requested = 0,
       sealed = NULL, reply_id = ?, model_id = ?, asked_at = ?, payer = ?, lane = ?, due_at = ${NOW_MS}
       WHERE kind = 'reply' AND session_id = ? AND reply_id = ?
       AND state IN ('committed', 'done', 'cancelled')
       AND EXISTS (SELECT 1 FROM messages WHERE id = ? AND session_id = ?) RETURNING *`,
      replyId,
      modelId,
      askedAt,
      toPayerText(payer),
      lane ?? null,
      sessionId,
      messageId,
      messageId,
      sessionId,
    )
    if (!row) return undefined
    const task = toTask(row)
    this.#db.run(
      'INSERT INTO retries (session_id, message_id, question_id, reply_id) VALUES (?, ?, ?, ?)',
      sessionId,
      messageId,
      task.messageId,
      replyId,
    )
    return task
  }
}

const retryRowSchema = z.object({ question_id: z.string(), reply_id: z.string() })

function toOwned(claim: Claim): [string, string, string, number] {
  return [claim.messageId, claim.sessionId, claim.replyId, claim.epoch]
}

function toTask(row: Row): ReplyTask {
  return replyTaskSchema.parse({
    sessionId: row.session_id,
    messageId: row.message_id,
    questionSeq: row.seq,
    replyId: row.reply_id,
    modelId: row.model_id,
    state: row.state,
    epoch: row.epoch,
    attempts: row.attempts,
    stopRequested: row.stop_requested === 1,
    askedAt: row.asked_at,
    payer: parseJson(row.payer),
    lane: row.lane ?? undefined,
  })
}

export function toPayerText(payer: Payer | undefined): string | null {
  return payer ? JSON.stringify(payer) : null
}
