import type { ConversationRefs } from '@chatbox/core'
import { toContext } from '../sealed/key-ring.ts'
import { openJson, sealJson, type RecordDeps } from '../sealed/record-deps.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

export class SqliteConversationRefs implements ConversationRefs {
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
