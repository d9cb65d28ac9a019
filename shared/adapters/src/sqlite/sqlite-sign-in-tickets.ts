import {
  AppError,
  TICKET_KNOWN_MS,
  type SignInTicket,
  type SignInTickets,
  type TicketUse,
} from '@chatbox/core'
import { openTicket, sealTicket, toUnused } from '../sealed/ticket-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

const USE = `
  UPDATE sign_in_tickets SET used_at = ?2
  WHERE digest = ?1 AND used_at IS NULL AND ends_at > ?2 AND (browser IS NULL OR browser = ?3)
  RETURNING sealed`

/** The store's clock is that of the only process. */
export class SqliteSignInTickets implements SignInTickets {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
  }

  async create(ticket: SignInTicket, ttlMs: number): Promise<void> {
    const now = Date.now()
    this.#db.run('DELETE FROM sign_in_tickets WHERE ends_at < ?', now - TICKET_KNOWN_MS)
    const created = this.#db.run(
      `INSERT INTO sign_in_tickets (digest, browser, sealed, ends_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      ticket.digest,
      ticket.browser ?? null,
      sealTicket(this.#deps, ticket),
      now + ttlMs,
    )
    if (created === 0) throw new AppError('CONFLICT', 'This ticket exists.')
  }

  async use(digest: string, browser?: string): Promise<TicketUse> {
    const now = Date.now()
    const [used] = this.#db.change(USE, digest, now, browser ?? null)
    if (used) return openTicket(this.#deps, digest, used.sealed)
    const row = this.#db.get(
      'SELECT ends_at, used_at FROM sign_in_tickets WHERE digest = ?',
      digest,
    )
    if (!row) return { outcome: 'unknown' }
    const usedAt = row.used_at === null ? undefined : Number(row.used_at)
    return toUnused({ usedAt, endsAt: Number(row.ends_at) }, now)
  }
}
