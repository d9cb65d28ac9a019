import type { AuditEntry, AuditEvent, AuditFilter, AuditLog } from '@chatbox/core'
import { EMPTY_CHAIN, toAuditEntry, toAuditRecord } from '../sealed/audit-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import type { Row, SqliteDatabase } from './sqlite-database.ts'

const INSERT = `
  INSERT INTO audit (seq, at, actor, action, session_id, target, previous, hash, seal)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** The lock of the file makes the compare-and-set on the head. */
export class SqliteAuditLog implements AuditLog {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
  }

  async append(event: AuditEvent): Promise<AuditEntry> {
    return this.#db.transaction(() => {
      const row = this.#db.get('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')
      const tail = row ? { seq: Number(row.seq), hash: String(row.hash) } : EMPTY_CHAIN
      const record = toAuditRecord(this.#deps.cipher, tail, event)
      const { seq, at, actor, action, sessionId, target, previous, hash, seal } = record
      this.#db.run(INSERT, seq, at, actor, action, sessionId, target, previous, hash, seal)
      return toAuditEntry(this.#deps.cipher, record)
    })
  }

  async list({ actor, action, after, limit }: AuditFilter): Promise<AuditEntry[]> {
    const conditions = [
      ...(actor === undefined ? [] : [['actor = ?', actor] as const]),
      ...(action === undefined ? [] : [['action = ?', action] as const]),
      ['seq < ?', after ?? Number.MAX_SAFE_INTEGER] as const,
    ]
    const where = conditions.map(([sql]) => sql).join(' AND ')
    const values = conditions.map(([, value]) => value)
    const sql = `SELECT * FROM audit WHERE ${where} ORDER BY seq DESC LIMIT ?`
    return this.#db.all(sql, ...values, limit).map((row) => this.#toEntry(row))
  }

  async read(seq: number, limit: number): Promise<AuditEntry[]> {
    const sql = 'SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?'
    return this.#db.all(sql, seq, limit).map((row) => this.#toEntry(row))
  }

  async remove(upToSeq: number): Promise<void> {
    this.#db.run('DELETE FROM audit WHERE seq <= ?', upToSeq)
  }

  #toEntry({ session_id: sessionId, ...row }: Row): AuditEntry {
    return toAuditEntry(this.#deps.cipher, { ...row, sessionId })
  }
}
