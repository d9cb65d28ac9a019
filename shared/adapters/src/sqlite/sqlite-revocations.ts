import {
  CHANGE_KNOWN_MS,
  type Revocation,
  type RevocationChange,
  type RevocationMark,
  type Revocations,
} from '@chatbox/core'
import { toRevocation } from '../common/to-revocation.ts'
import type { Row, SqliteDatabase } from './sqlite-database.ts'

const PUT = `
  INSERT INTO revocations (user_id, reason, before, by_id, ended, changed_at)
  VALUES (?1, ?2, ?3, ?4, 0, ?5)
  ON CONFLICT DO UPDATE SET
    reason = ?2, before = ?3, by_id = ?4, ended = 0, changed_at = ?5
  WHERE ?2 = 'shut_out' OR revocations.reason <> 'shut_out' OR revocations.ended = 1`

/** The store's clock is that of the only process. */
export class SqliteRevocations implements Revocations {
  readonly #db: SqliteDatabase

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async put({ userId, reason, before, by }: Revocation): Promise<void> {
    this.#db.transaction(() => {
      const now = Date.now()
      this.#db.run(
        `DELETE FROM revocations WHERE changed_at < ? AND (ended = 1 OR reason <> 'shut_out')`,
        now - CHANGE_KNOWN_MS,
      )
      this.#db.run(PUT, userId, reason, before.getTime(), by, now)
    })
  }

  async end(userId: string): Promise<boolean> {
    const sql = 'UPDATE revocations SET ended = 1, changed_at = ? WHERE user_id = ? AND ended = 0'
    return this.#db.run(sql, Date.now(), userId) > 0
  }

  async find(userId: string): Promise<Revocation | undefined> {
    const row = this.#db.get('SELECT * FROM revocations WHERE user_id = ?', userId)
    return row && toChange(row).revocation
  }

  async listChanges(
    mark: RevocationMark | undefined,
    limit: number,
  ): Promise<{ changes: RevocationChange[]; last: RevocationMark | undefined }> {
    const rows = this.#db.all(
      `SELECT * FROM revocations WHERE (changed_at, user_id) > (?, ?)
       ORDER BY changed_at, user_id LIMIT ?`,
      mark?.changedAt.getTime() ?? 0,
      mark?.userId ?? '',
      limit,
    )
    const changes = rows.map(toChange)
    const userId = changes.at(-1)?.userId
    const changedAt = new Date(Number(rows.at(-1)?.changed_at))
    return { changes, last: userId === undefined ? undefined : { userId, changedAt } }
  }
}

function toChange(row: Row): RevocationChange {
  const { user_id: userId, reason, before, by_id: by, ended } = row
  const stored = { userId, reason, before: new Date(Number(before)), by }
  return toRevocation(stored, ended === 1)
}
