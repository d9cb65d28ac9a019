import { join } from 'node:path'
import type { Store } from '../backend.ts'
import type { RecordDeps } from '../sealed/record-deps.ts'
import { SqliteConversationRefs } from './sqlite-conversation-refs.ts'
import { openSqliteDatabase } from './sqlite-database.ts'
import { SqliteLog } from './sqlite-log.ts'
import { SqliteReplyClaims } from './sqlite-reply-claims.ts'
import { SqliteSessions } from './sqlite-sessions.ts'

export interface SqliteStoreOptions extends RecordDeps {
  /** The folder of `chatbox.db`; it is created where it is missing. */
  dataDir: string
}

/**
 * The store of one process, in one file. A call blocks for the time of its disk write, which is what
 * makes an acknowledged write durable; methods are async so that a fault is a rejection. Throws a
 * one-line reason where the folder or the file cannot be used.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { dataDir, ...deps } = options
  const db = openSqliteDatabase(join(dataDir, 'chatbox.db'))
  const sessions = new SqliteSessions(db, deps)
  return {
    sessions,
    messages: new SqliteLog(db, deps, sessions),
    replies: new SqliteReplyClaims(db, deps),
    conversationRefs: new SqliteConversationRefs(db, deps),
    async ping() {
      db.get('SELECT 1')
    },
    async close() {
      db.close()
    },
  }
}
