import { join } from 'node:path'
import type { ConversationRefs, Ledger } from '@chatbox/core'
import type { Store } from '../backend.ts'
import { openJson, sealJson, toContext, type RecordDeps } from '../sealed/key-ring.ts'
import { SqliteAuditLog } from './sqlite-audit-log.ts'
import { openSqliteDatabase, type SqliteDatabase } from './sqlite-database.ts'
import { SqliteDeskLog } from './sqlite-desk-log.ts'
import { SqliteInbox } from './sqlite-inbox.ts'
import { SqliteAlerts } from './sqlite-alerts.ts'
import { SqliteLedger } from './sqlite-ledger.ts'
import { SqliteLog } from './sqlite-log.ts'
import { SqliteReplyClaims } from './sqlite-reply-claims.ts'
import { SqliteRevocations } from './sqlite-revocations.ts'
import { SqliteSessions } from './sqlite-sessions.ts'
import { SqliteSignInTickets } from './sqlite-sign-in-tickets.ts'

export interface SqliteStoreOptions extends RecordDeps {
  /** The folder of `chatbox.db`. It is created if it is missing. */
  dataDir: string
}

export interface SqliteStore extends Store {
  ledger: Ledger
}

/**
 * The store of a single process, in one file. Each call blocks until its write is on disk, which
 * makes an acknowledged write durable. The methods are async so that errors become rejections.
 * Throws a one-line reason if the folder or the file cannot be used.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { dataDir, ...deps } = options
  const db = openSqliteDatabase(join(dataDir, 'chatbox.db'))
  const sessions = new SqliteSessions(db, deps)
  const alerts = new SqliteAlerts(db, deps)
  return {
    sessions,
    messages: new SqliteLog(db, deps, { sessions, alerts }),
    replies: new SqliteReplyClaims(db, deps),
    conversationRefs: new SqliteConversationRefs(db, deps),
    alerts,
    inbox: new SqliteInbox(db, deps, sessions),
    desks: new SqliteDeskLog(db, deps, sessions),
    revocations: new SqliteRevocations(db),
    signInTickets: new SqliteSignInTickets(db, deps),
    audit: new SqliteAuditLog(db, deps),
    ledger: new SqliteLedger(db),
    async ping() {
      db.get('SELECT 1')
    },
    async close() {
      db.close()
    },
  }
}

class SqliteConversationRefs implements ConversationRefs {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
  }

  async read(sessionId: string, modelId: string): Promise<string | undefined> {
    const row = this.#db.get(
      'SELECT sealed FROM conversations WHERE session_id = ? AND model_id = ?',
      sessionId,
      modelId,
    )
    const ref = openJson(this.#deps, row?.sealed, toContext('ref', sessionId, modelId))
    return typeof ref === 'string' ? ref : undefined
  }

  async save(sessionId: string, modelId: string, ref: string): Promise<void> {
    this.#db.run(
      `INSERT INTO conversations (session_id, model_id, sealed) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET sealed = excluded.sealed`,
      sessionId,
      modelId,
      sealJson(this.#deps, ref, toContext('ref', sessionId, modelId)),
    )
  }
}
