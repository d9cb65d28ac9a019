import type { Message } from '@chatbox/contract'
import {
  notFound,
  placeEntry,
  toEntryAlertId,
  toSession,
  type Appended,
  type LogPage,
  type LogRange,
  type MessageLog,
  type NewEntry,
  type OpenedLog,
  type PlacedEntry,
} from '@chatbox/core'
import { z } from 'zod'
import { idTaken, toMessage, toMessageRecord } from '../sealed/message-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { PageFill } from '../sealed/page-fill.ts'
import { toStateRecord } from '../sealed/session-record.ts'
import type { SqliteAlerts } from './sqlite-alerts.ts'
import { parseJson, type Row, type SqliteDatabase } from './sqlite-database.ts'
import { NOW_MS, toPayerText } from './sqlite-reply-claims.ts'
import type { SqliteSessions } from './sqlite-sessions.ts'

const COLUMNS = 'id, session_id, seq, head, sealed'
const rowSchema = z.object({ id: z.string(), session_id: z.string(), seq: z.int() })

/** The log of every session, in the messages table. */
export class SqliteLog implements MessageLog {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps
  readonly #sessions: SqliteSessions
  readonly #alerts: Pick<SqliteAlerts, 'insert'>

  constructor(
    db: SqliteDatabase,
    deps: RecordDeps,
    { sessions, alerts }: { sessions: SqliteSessions; alerts: Pick<SqliteAlerts, 'insert'> },
  ) {
    this.#db = db
    this.#deps = deps
    this.#sessions = sessions
    this.#alerts = alerts
  }

  async append(entry: NewEntry): Promise<Appended> {
    return this.#db.transaction(() => {
      const found = this.#sessions.findWithHead(entry.message.sessionId)
      if (!found) throw notFound()
      const first = this.#findFirst(entry)
      if (first) {
        return { message: first, session: toSession(found.origin, found.head), appended: false }
      }
      const placed = placeEntry(found.head, entry)
      this.#insert(placed)
      for (const rule of placed.alerts) {
        const { id, sessionId } = placed.message
        this.#alerts.insert({ id: toEntryAlertId(rule, id), rule, sessionId })
      }
      const head = { seq: placed.message.seq, state: placed.state }
      this.#sessions.moveHead(found.origin, head)
      return { message: placed.message, session: toSession(found.origin, head), appended: true }
    })
  }

  async prepareAppend(): Promise<void> {
    // An append reads and writes in one transaction, so there is no round trip to save.
  }

  async read(sessionId: string, range: LogRange): Promise<LogPage> {
    const { afterSeq, beforeSeq, limit } = range
    const page = new PageFill(range, {
      open: (row: Row) => this.#toMessage(row),
      lengthOf: ({ content }) => content.length,
    })
    const [order, bound] =
      afterSeq === undefined
        ? ['seq < ? ORDER BY seq DESC', beforeSeq ?? Number.MAX_SAFE_INTEGER]
        : ['seq > ? ORDER BY seq', afterSeq]
    this.#db.each(
      `SELECT ${COLUMNS} FROM messages WHERE session_id = ? AND ${order} LIMIT ?`,
      [sessionId, bound, limit + 1],
      (row) => {
        page.add(row)
        return !page.isCut
      },
    )
    const { entries: messages, hasMore } = page.toPage()
    return { messages, hasMore }
  }

  async open(sessionId: string, range: LogRange): Promise<OpenedLog | undefined> {
    const found = this.#sessions.findWithHead(sessionId)
    if (!found) return undefined
    const { origin, head } = found
    const page = await this.read(sessionId, range)
    return { session: toSession(origin, head), page, mayHaveOpenTask: head.state.unanswered > 0 }
  }

  async find(sessionId: string, messageId: string): Promise<Message | undefined> {
    const row = this.#db.get(
      `SELECT ${COLUMNS} FROM messages WHERE id = ? AND session_id = ?`,
      messageId,
      sessionId,
    )
    return row && this.#toMessage(row)
  }

  /** Finds the entry that this one repeats. */
  #findFirst({ message }: NewEntry): Message | undefined {
    const { id, sessionId } = message
    const row = this.#db.get(`SELECT ${COLUMNS} FROM messages WHERE id = ?`, id)
    if (row && row.session_id !== sessionId) throw idTaken()
    return row && this.#toMessage(row)
  }

  #insert({ message, state, question }: PlacedEntry): void {
    const record = toMessageRecord(this.#deps, message)
    const { id, sessionId, seq } = record
    const after = toStateRecord(this.#deps, sessionId, { seq, state })
    this.#db.run(
      `INSERT INTO messages (id, session_id, seq, head, sealed, state, state_sealed)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      id,
      sessionId,
      seq,
      JSON.stringify(record.head),
      record.sealed,
      JSON.stringify(after.state),
      after.stateSealed,
    )
    if (!question) return
    this.#db.run(
      `INSERT INTO tasks (message_id, kind, session_id, seq, reply_id, model_id, state, open, epoch,
       attempts, stop_requested, asked_at, payer, lane, due_at)
       VALUES (?, 'reply', ?, ?, ?, ?, 'pending', 1, 0, 0, 0, ?, ?, ?, ${NOW_MS})`,
      id,
      sessionId,
      seq,
      question.replyId,
      question.modelId,
      message.createdAt,
      toPayerText(question.payer),
      question.lane ?? null,
    )
  }

  #toMessage(row: Row): Message {
    const { id, session_id, seq } = rowSchema.parse(row)
    const stored = { id, sessionId: session_id, seq, head: parseJson(row.head) }
    return toMessage(this.#deps, { ...stored, sealed: row.sealed })
  }
}
