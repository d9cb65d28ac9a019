import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe } from '@jest/globals'
import { openSqliteStore } from '@chatbox/adapters'
import { describeAuditChain } from './audit-log.contract.ts'
import { describeStore } from './store.contract.ts'
import {
  createHooks,
  newCountingKeyRing,
  type StoredAudit,
  type AuditHarness,
} from './store.support.ts'

async function openSqlite(): Promise<AuditHarness> {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatbox-sqlite-'))
  const cipher = newCountingKeyRing()
  const open = () => openSqliteStore({ dataDir, cipher, hooks: createHooks() })
  const store = await open()
  return {
    store,
    openSecond: open,
    countOpened: () => cipher.opened,
    async swapSealed(a, b) {
      const db = new DatabaseSync(join(dataDir, 'chatbox.db'))
      const read = db.prepare('SELECT sealed FROM messages WHERE id = ?')
      const write = db.prepare('UPDATE messages SET sealed = ? WHERE id = ?')
      const [ofA, ofB] = [read.get(a)?.sealed ?? '', read.get(b)?.sealed ?? '']
      write.run(ofB, a)
      write.run(ofA, b)
      db.close()
    },
    async editAudit(edit) {
      const db = new DatabaseSync(join(dataDir, 'chatbox.db'))
      const stored = db.prepare('SELECT * FROM audit ORDER BY seq').all() as StoredAudit[]
      db.exec('DELETE FROM audit')
      for (const entry of edit(stored)) {
        const names = Object.keys(entry)
        const places = names.map(() => '?').join(', ')
        db.prepare(`INSERT INTO audit (${names.join(', ')}) VALUES (${places})`).run(
          ...Object.values(entry),
        )
      }
      db.close()
    },
    async close() {
      await store.close()
      await rm(dataDir, { recursive: true })
    },
  }
}

describe('The store on SQLite', () => {
  describeStore(openSqlite)
  describeAuditChain(openSqlite)
})
