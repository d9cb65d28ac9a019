import type { DeskEntry } from '@chatbox/contract'
import {
  AppError,
  notFound,
  placeDeskEntry,
  toDesk,
  type DeskAppended,
  type DeskHead,
  type DeskLog,
  type DraftKey,
  type LogRange,
  type NewDeskEntry,
  type OpenedDesk,
  type PlacedDeskEntry,
} from '@chatbox/core'
import { z } from 'zod'
import {
  openDraft,
  sealDraft,
  toDeskEntry,
  toDeskEntryRecord,
  toDeskRecord,
  toDeskState,
  toTextLength,
} from '../sealed/desk-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { idTaken } from '../sealed/message-record.ts'
import { PageFill } from '../sealed/page-fill.ts'
import { parseJson, type Row, type SqliteDatabase } from './sqlite-database.ts'
import { NOW_MS } from './sqlite-reply-claims.ts'
import type { SqliteSessions } from './sqlite-sessions.ts'

const rowSchema = z.object({ id: z.string(), session_id: z.string(), seq: z.int() })

/** The operators' logs. The session's row contains the head; one transaction writes both. */
export class SqliteDeskLog implements DeskLog {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps
  readonly #sessions: SqliteSessions

  constructor(db: SqliteDatabase, deps: RecordDeps, sessions: SqliteSessions) {
    this.#db = db
    this.#deps = deps
    this.#sessions = sessions
  }

  async append(entry: NewDeskEntry): Promise<DeskAppended> {
    return this.#db.transaction(() => {
      const head = this.#findHead(entry.sessionId)
      if (!head) throw notFound()
      const first = this.#findFirst(entry)
      if (first) return { entry: first, desk: toDesk(head.state, head.session), appended: false }
      const placed = placeDeskEntry(head, entry)
      this.#insert(placed)
      return { entry: placed.entry, desk: toDesk(placed.state, head.session), appended: true }
    })
  }

  async open(
    sessionId: string,
    range: Omit<LogRange, 'beforeSeq'>,
  ): Promise<OpenedDesk | undefined> {
    const head = this.#findHead(sessionId)
    if (!head) return undefined
    const page = new PageFill(range, {
      open: (row: Row) => this.#toEntry(row),
      lengthOf: toTextLength,
    })
    const { afterSeq, limit } = range
    const order = afterSeq === undefined ? 'DESC' : 'ASC'
    this.#db.each(
      `SELECT * FROM desk_entries WHERE session_id = ? AND seq > ? ORDER BY seq ${order} LIMIT ?`,
      [sessionId, afterSeq ?? 0, limit + 1],
      (row) => {
        page.add(row)
        return !page.isCut
      },
    )
    return { desk: toDesk(head.state, head.session), ...page.toPage() }
  }

  async saveDraft(key: DraftKey, text: string): Promise<void> {
    const { sessionId, operatorId } = key
    this.#db.transaction(() => {
      const head = this.#findHead(sessionId)
      if (!head) throw notFound()
      if (text === '') {
        this.#db.run(
          'DELETE FROM desk_drafts WHERE session_id = ? AND operator_id = ?',
          sessionId,
          operatorId,
        )
        return
      }
      if (head.session.status !== 'active') {
        throw new AppError('SESSION_ENDED', 'This session has ended.')
      }
      this.#db.run(
        `INSERT INTO desk_drafts (session_id, operator_id, sealed) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET sealed = excluded.sealed`,
        sessionId,
        operatorId,
        sealDraft(this.#deps, key, text),
      )
    })
  }

  async findDraft(key: DraftKey): Promise<string> {
    const row = this.#db.get(
      'SELECT sealed FROM desk_drafts WHERE session_id = ? AND operator_id = ?',
      key.sessionId,
      key.operatorId,
    )
    return openDraft(this.#deps, key, row?.sealed)
  }

  #findHead(sessionId: string): DeskHead | undefined {
    const row = this.#db.get('SELECT * FROM sessions WHERE id = ?', sessionId)
    if (!row) return undefined
    const { status, userTexts = 0 } = this.#sessions.toFound(row).head.state
    const state = toDeskState(this.#deps, sessionId, parseJson(row.desk))
    return { state, session: { status, userTexts } }
  }

  /** Finds the entry that this one repeats. */
  #findFirst({ id, sessionId }: NewDeskEntry): DeskEntry | undefined {
    const row = this.#db.get('SELECT * FROM desk_entries WHERE id = ?', id)
    if (row && row.session_id !== sessionId) throw idTaken()
    return row && this.#toEntry(row)
  }

  #insert({ entry, state }: PlacedDeskEntry): void {
    const { id, sessionId, seq, sealed } = toDeskEntryRecord(this.#deps, entry)
    this.#db.run(
      'INSERT INTO desk_entries (id, session_id, seq, sealed) VALUES (?, ?, ?, ?)',
      id,
      sessionId,
      seq,
      sealed,
    )
    this.#db.run(
      `UPDATE sessions SET desk = ?, changed_at = ${NOW_MS} WHERE id = ?`,
      JSON.stringify(toDeskRecord(this.#deps, sessionId, state)),
      sessionId,
    )
  }

  #toEntry(row: Row): DeskEntry {
    const { id, session_id: sessionId, seq } = rowSchema.parse(row)
    return toDeskEntry(this.#deps, { id, sessionId, seq, sealed: row.sealed })
  }
}
