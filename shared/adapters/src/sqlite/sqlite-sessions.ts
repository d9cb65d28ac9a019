import type { Session } from '@chatbox/contract'
import {
  AppError,
  initialState,
  toSession,
  type LogHead,
  type NewSession,
  type SessionOrigin,
  type SessionPage,
  type Sessions,
} from '@chatbox/core'
import { z } from 'zod'
import { idTaken } from '../sealed/message-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import {
  readEach,
  parseCursor,
  toActiveKey,
  toCursor,
  toOrigin,
  toOriginRecord,
  toStateRecord,
  toHead,
  toUserKey,
  withNotedActivity,
} from '../sealed/session-record.ts'
import { parseJson, type Row, type SqliteDatabase } from './sqlite-database.ts'
import { NOW_MS } from './sqlite-reply-claims.ts'

const headSchema = z.object({ seq: z.int() })
interface FoundSession {
  origin: SessionOrigin
  head: LogHead
}

/** The sessions table. Each row contains the end of its log; one transaction writes both. */
export class SqliteSessions implements Sessions {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
  }

  async create(session: NewSession): Promise<{ session: Session; created: boolean }> {
    return this.#db.transaction(() => {
      const existing = this.#findActive(session.userId) ?? this.#findOwn(session)
      if (existing) return { session: existing, created: false }
      // The session has a status of a later version, and only that version may take its key.
      if (this.#findKeyHolder(session.userId))
        throw new AppError('UNAVAILABLE', 'This session cannot be created now.')
      const head = { seq: 0, state: initialState(session.modelId, session.startedAt) }
      this.#insert(session, head)
      const { id, userId, userName, startedAt } = session
      return { session: toSession({ id, userId, userName, startedAt }, head), created: true }
    })
  }

  async find(sessionId: string): Promise<Session | undefined> {
    const found = this.findWithHead(sessionId)
    return found && toSession(found.origin, found.head)
  }

  async findHead(sessionId: string): Promise<number | undefined> {
    const row = this.#db.get('SELECT seq FROM sessions WHERE id = ?', sessionId)
    return row && headSchema.parse(row).seq
  }

  async findActive(userId: string): Promise<Session | undefined> {
    return this.#findActive(userId)
  }

  async list(userId: string, page: { limit: number; cursor?: string }): Promise<SessionPage> {
    const rows =
      page.cursor === undefined
        ? this.#db.all(
            `SELECT * FROM sessions WHERE user_id = ?
             ORDER BY last_activity_at DESC, id DESC LIMIT ?`,
            userId,
            page.limit + 1,
          )
        : this.#listAfter(userId, page.cursor, page.limit + 1)
    const sessions = readEach(rows.slice(0, page.limit), (row) => this.#toSession(row))
    const last = rows.length > page.limit ? rows[page.limit - 1] : undefined
    return { sessions, nextCursor: last ? toCursorOf(last) : null }
  }

  async noteActivity(sessionId: string, at: Date): Promise<void> {
    const time = at.toISOString()
    this.#db.run(
      `UPDATE sessions SET last_activity_at = ?
       WHERE id = ? AND status = 'active' AND last_activity_at < ?`,
      time,
      sessionId,
      time,
    )
  }

  async listIdle(before: Date, limit: number): Promise<Session[]> {
    const rows = this.#db.all(
      `SELECT * FROM sessions WHERE status = 'active' AND last_activity_at < ?
       ORDER BY last_activity_at LIMIT ?`,
      before.toISOString(),
      limit,
    )
    return readEach(rows, (row) => this.#toSession(row))
  }

  /** Synchronous, so that a transaction can contain it. */
  findWithHead(sessionId: string): FoundSession | undefined {
    const row = this.#db.get('SELECT * FROM sessions WHERE id = ?', sessionId)
    return row && this.toFound(row)
  }

  /** Part of the transaction that writes the entry. */
  moveHead(origin: SessionOrigin, head: LogHead): void {
    const { seq, state, stateSealed } = toStateRecord(this.#deps, origin.id, head)
    this.#db.run(
      `UPDATE sessions SET active_key = ?, seq = ?, status = ?, last_activity_at = ?,
       state = ?, state_sealed = ?, changed_at = ${NOW_MS} WHERE id = ?`,
      toActiveKey(origin, state),
      seq,
      state.status,
      state.lastActivityAt,
      JSON.stringify(state),
      stateSealed,
      origin.id,
    )
    if (state.status !== 'active') {
      this.#db.run('DELETE FROM desk_drafts WHERE session_id = ?', origin.id)
    }
  }

  #findActive(userId: string): Session | undefined {
    const row = this.#findKeyHolder(userId)
    const session = row && this.#toSession(row)
    return session?.status === 'active' ? session : undefined
  }

  #findKeyHolder(userId: string): Row | undefined {
    return this.#db.get('SELECT * FROM sessions WHERE active_key = ?', toUserKey(userId))
  }

  #insert(session: NewSession, head: LogHead): void {
    const { id } = session
    const { userId, startedAt, sealed } = toOriginRecord(this.#deps, session)
    const { seq, state, stateSealed } = toStateRecord(this.#deps, id, head)
    this.#db.run(
      `INSERT INTO sessions (id, user_id, active_key, started_at, sealed, seq, status,
       last_activity_at, state, state_sealed, changed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NOW_MS})`,
      id,
      userId,
      toActiveKey(session, state),
      startedAt,
      sealed,
      seq,
      state.status,
      state.lastActivityAt,
      JSON.stringify(state),
      stateSealed,
    )
  }

  /** Returns the session with this id if an earlier call created it and its answer was lost. */
  #findOwn(session: NewSession): Session | undefined {
    const found = this.findWithHead(session.id)
    if (!found) return undefined
    if (found.origin.userId !== session.userId) throw idTaken()
    return toSession(found.origin, found.head)
  }

  #listAfter(userId: string, cursor: string, limit: number): Row[] {
    const { lastActivityAt, id } = parseCursor(cursor)
    return this.#db.all(
      `SELECT * FROM sessions WHERE user_id = ? AND (last_activity_at, id) < (?, ?)
       ORDER BY last_activity_at DESC, id DESC LIMIT ?`,
      userId,
      lastActivityAt,
      id,
      limit,
    )
  }

  toFound(row: Row): FoundSession {
    const id = String(row.id)
    const { user_id: userId, started_at: startedAt, sealed, seq, state_sealed: stateSealed } = row
    const head = toHead(this.#deps, id, { seq, state: parseJson(row.state), stateSealed })
    return {
      origin: toOrigin(this.#deps, id, { userId, startedAt, sealed }),
      head: withNotedActivity(head, row.last_activity_at),
    }
  }

  #toSession(row: Row): Session {
    const { origin, head } = this.toFound(row)
    return toSession(origin, head)
  }
}

const cursorRowSchema = z.object({ id: z.string(), last_activity_at: z.string() })

function toCursorOf(row: Row): string {
  const { id, last_activity_at } = cursorRowSchema.parse(row)
  return toCursor({ id, lastActivityAt: last_activity_at })
}
