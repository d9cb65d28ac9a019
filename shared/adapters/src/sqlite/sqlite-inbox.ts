import {
  toListCursor,
  toListPlace,
  type Inbox,
  type InboxEntry,
  type InboxList,
  type InboxMark,
  type InboxPage,
  type ReadMark,
} from '@chatbox/core'
import { z } from 'zod'
import { toInboxEntry } from '../sealed/inbox-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { readEach } from '../sealed/session-record.ts'
import { parseJson, type Row, type SqliteDatabase } from './sqlite-database.ts'
import { NOW_MS } from './sqlite-reply-claims.ts'
import type { SqliteSessions } from './sqlite-sessions.ts'

const COLUMNS = { lastActivityAt: 'last_activity_at', startedAt: 'started_at' } as const
const markSchema = z.object({ id: z.string(), changed_at: z.int() })
const readMarkSchema = z.object({
  operator_id: z.string(),
  session_id: z.string(),
  seq: z.int(),
  user_texts: z.int(),
})
const stateSchema = z.object({ userTexts: z.int().optional() })

/**
 * The sessions of all users. Head and row change in one transaction, so there is nothing to check
 * against the log.
 */
export class SqliteInbox implements Inbox {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps
  readonly #sessions: SqliteSessions

  constructor(db: SqliteDatabase, deps: RecordDeps, sessions: SqliteSessions) {
    this.#db = db
    this.#deps = deps
    this.#sessions = sessions
  }

  async now(): Promise<Date> {
    return new Date(Number(this.#db.get(`SELECT ${NOW_MS} AS now`)?.now))
  }

  async listActive({
    afterId,
    limit,
  }: {
    afterId: string
    limit: number
  }): Promise<{ entries: InboxEntry[]; lastId: string | undefined }> {
    const rows = this.#db.all(
      `SELECT * FROM sessions WHERE id > ? AND status = 'active' ORDER BY id LIMIT ?`,
      afterId,
      limit,
    )
    const lastId = rows.length < limit ? undefined : String(rows.at(-1)?.id)
    return { entries: this.#toEntries(rows), lastId }
  }

  async listChanges({ changedAt, sessionId }: InboxMark, limit: number): Promise<InboxMark[]> {
    const rows = this.#db.all(
      `SELECT id, changed_at FROM sessions WHERE (changed_at, id) > (?, ?)
       ORDER BY changed_at, id LIMIT ?`,
      changedAt.getTime(),
      sessionId,
      limit,
    )
    return rows.map((row) => {
      const { id, changed_at } = markSchema.parse(row)
      return { sessionId: id, changedAt: new Date(changed_at) }
    })
  }

  async read(sessionIds: readonly string[]): Promise<InboxEntry[]> {
    return this.#toEntries(
      this.#db.all(
        'SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?))',
        JSON.stringify(sessionIds),
      ),
    )
  }

  async list(list: InboxList): Promise<InboxPage> {
    const { limit } = list
    const { where, values, orderBy } = toQuery(list)
    const rows = this.#db.all(
      `SELECT * FROM sessions ${where} ORDER BY ${orderBy} LIMIT ?`,
      ...values,
      limit + 1,
    )
    const page = rows.slice(0, limit)
    const last = rows.length > limit ? page.at(-1) : undefined
    const time = String(last?.[COLUMNS[list.sort]])
    return {
      entries: this.#toEntries(page),
      next: last && toListCursor(list, { time, id: String(last.id) }),
    }
  }

  async countEnded(limit: number): Promise<number> {
    const sql = `SELECT count(*) AS count FROM
      (SELECT 1 FROM sessions WHERE status = 'ended' LIMIT ?)`
    return Number(this.#db.get(sql, limit)?.count)
  }

  async moveReadMark(operatorId: string, sessionId: string, seq: number): Promise<void> {
    const sql = 'SELECT state FROM messages WHERE session_id = ? AND seq = ?'
    const found = this.#db.get(sql, sessionId, seq)
    const userTexts = found ? (stateSchema.parse(parseJson(found.state)).userTexts ?? 0) : 0
    this.#db.run(
      `INSERT INTO read_marks (operator_id, session_id, seq, user_texts, moved_at)
       VALUES (?, ?, ?, ?, ${NOW_MS})
       ON CONFLICT DO UPDATE SET seq = excluded.seq, user_texts = excluded.user_texts,
         moved_at = excluded.moved_at
       WHERE excluded.seq > read_marks.seq`,
      operatorId,
      sessionId,
      seq,
      userTexts,
    )
  }

  async findReadMark(operatorId: string, sessionId: string): Promise<ReadMark | undefined> {
    const row = this.#db.get(
      'SELECT * FROM read_marks WHERE operator_id = ? AND session_id = ?',
      operatorId,
      sessionId,
    )
    return row && toReadMark(row)
  }

  async listReadMarks(operatorId: string, limit: number): Promise<ReadMark[]> {
    const sql = `SELECT * FROM read_marks WHERE operator_id = ? ORDER BY moved_at DESC LIMIT ?`
    return this.#db.all(sql, operatorId, limit).map(toReadMark)
  }

  async listMovedReadMarks(since: Date, limit: number): Promise<ReadMark[]> {
    const sql = 'SELECT * FROM read_marks WHERE moved_at >= ? ORDER BY moved_at DESC LIMIT ?'
    return this.#db.all(sql, since.getTime(), limit).map(toReadMark)
  }

  #toEntries(rows: readonly Row[]): InboxEntry[] {
    return readEach(rows, (row) => {
      const { changed_at: changedAt } = row
      return toInboxEntry(this.#deps, {
        ...this.#sessions.toFound(row),
        changedAt: typeof changedAt === 'number' ? changedAt : undefined,
        desk: parseJson(row.desk),
      })
    })
  }
}

function toQuery(list: InboxList): { where: string; values: (string | number)[]; orderBy: string } {
  const { status, userId, from, to, sort, order } = list
  const column = COLUMNS[sort]
  const conditions: [string, string[]][] = []
  if (status !== undefined) conditions.push(['status = ?', [status]])
  if (userId !== undefined) conditions.push(['user_id = ?', [userId]])
  if (from !== undefined) conditions.push([`${column} >= ?`, [from]])
  if (to !== undefined) conditions.push([`${column} < ?`, [to]])
  const place = toListPlace(list)
  const [direction, sign] = order === 'asc' ? ['ASC', '>'] : ['DESC', '<']
  if (place) conditions.push([`(${column}, id) ${sign} (?, ?)`, [place.time, place.id]])
  return {
    where: conditions.length === 0 ? '' : `WHERE ${conditions.map(([text]) => text).join(' AND ')}`,
    values: conditions.flatMap(([, values]) => values),
    orderBy: `${column} ${direction}, id ${direction}`,
  }
}

function toReadMark(row: Row): ReadMark {
  const { operator_id, session_id, seq, user_texts } = readMarkSchema.parse(row)
  return { operatorId: operator_id, sessionId: session_id, seq, userTexts: user_texts }
}
