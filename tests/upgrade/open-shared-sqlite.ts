import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { openSqliteStore } from '@chatbox/adapters'
import { ADDED, addToJson } from './next-version.ts'
import { createParts, type RawEntry, type RawState, type SharedStore } from './shared-store.ts'

export async function openSharedSqlite(): Promise<SharedStore> {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatbox-next-'))
  const { closeAll, ...parts } = createParts((cipher, hooks) =>
    openSqliteStore({ dataDir, cipher, hooks }),
  )

  function use<T>(work: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(join(dataDir, 'chatbox.db'))
    try {
      return work(db)
    } finally {
      db.close()
    }
  }
  const read = (sql: string, id: string): unknown[] =>
    use((db) => db.prepare(sql).all(id)).map(({ state, ...row }) => ({
      ...row,
      state: JSON.parse(String(state)) as unknown,
    }))
  const write = async (sql: string, ...values: SQLInputValue[]): Promise<void> =>
    void use((db) => db.prepare(sql).run(...values))

  return {
    ...parts,
    upgrade: async () => use(upgradeRows),
    readRows: async (sessionId) =>
      read(
        `SELECT id, seq, sealed, state, state_sealed AS stateSealed FROM messages
         WHERE session_id = ? ORDER BY seq`,
        sessionId,
      ) as RawEntry[],
    readSession: async (sessionId) => {
      const sql = 'SELECT state, state_sealed AS stateSealed FROM sessions WHERE id = ?'
      return read(sql, sessionId)[0] as RawState
    },
    readSealed: async (id) =>
      String(use((db) => db.prepare('SELECT sealed FROM messages WHERE id = ?').get(id))?.sealed),
    replaceSealed: (id, sealed) => write('UPDATE messages SET sealed = ? WHERE id = ?', sealed, id),
    setReplyState: (id, state) =>
      write('UPDATE tasks SET state = ? WHERE message_id = ?', state, id),
    async setStatus(sessionId, status) {
      const state = `state = json_set(state, '$.status', ?)`
      await write(`UPDATE messages SET ${state} WHERE session_id = ?`, status, sessionId)
      await write(
        `UPDATE sessions SET ${state}, status = ? WHERE id = ?`,
        status,
        status,
        sessionId,
      )
    },
    async close() {
      await closeAll()
      await rm(dataDir, { recursive: true })
    },
  }
}

/** A column more in every table, and a field more in every object of a column that holds JSON. */
function upgradeRows(db: DatabaseSync): void {
  for (const table of namesOf(db, `SELECT name FROM sqlite_schema WHERE type = 'table'`)) {
    const columns = namesOf(db, `SELECT name FROM pragma_table_info('${table}')`)
    if (!columns.includes(ADDED)) {
      db.exec(`ALTER TABLE ${table} ADD COLUMN ${ADDED} TEXT NOT NULL DEFAULT 'added'`)
    }
    for (const column of columns) upgradeColumn(db, table, column)
  }
}

function upgradeColumn(db: DatabaseSync, table: string, column: string): void {
  const isJson = `CASE WHEN json_valid(${column}) THEN json_type(${column}) = 'object' END`
  const rows = db.prepare(`SELECT DISTINCT ${column} AS text FROM ${table} WHERE ${isJson}`).all()
  const write = db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${column} = ?`)
  for (const { text } of rows) {
    const upgraded = addToJson(String(text))
    if (upgraded !== text) write.run(upgraded, String(text))
  }
}

function namesOf(db: DatabaseSync, sql: string): string[] {
  return db
    .prepare(sql)
    .all()
    .map(({ name }) => String(name))
}
