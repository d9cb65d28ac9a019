import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createKeyRing, openSqliteStore, type Store } from '@chatbox/adapters'
import {
  askQuestion,
  createHooks,
  newId,
  newSession,
  startSession,
  userEntry,
} from './store.support.ts'

const KEY = randomBytes(32)
const cipher = createKeyRing([{ id: 'k1', key: KEY }])

let dataDir: string
let file: string
const opened: Store[] = []
async function open(): ReturnType<typeof openSqliteStore> {
  const store = await openSqliteStore({ dataDir, cipher, hooks: createHooks() })
  opened.push(store)
  return store
}
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'chatbox-sqlite-'))
  file = join(dataDir, 'chatbox.db')
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await rm(dataDir, { recursive: true })
})

/** What undoes the step to each version after the first. */
const UNDO = [
  'ALTER TABLE tasks DROP COLUMN payer; DROP TABLE budgets; DROP TABLE charges',
  'ALTER TABLE tasks DROP COLUMN lane',
  'DROP TABLE revocations; DROP TABLE sign_in_tickets',
  `DROP INDEX sessions_changed; DROP INDEX sessions_listed; DROP INDEX sessions_started;
   DROP INDEX sessions_active_ids; DROP INDEX sessions_ended; DROP TABLE read_marks;
   ALTER TABLE sessions DROP COLUMN changed_at`,
  'DROP TABLE alerts; DROP TABLE alert_groups; DROP TABLE alert_places; DROP TABLE alert_channels',
  'DROP TABLE audit',
  'DROP TABLE desk_entries; DROP TABLE desk_drafts; ALTER TABLE sessions DROP COLUMN desk',
]

/** Makes a new file one of an older version. */
function becomeVersion(db: DatabaseSync, version: number): void {
  for (const undo of UNDO.slice(version - 1).toReversed()) db.exec(undo)
  db.exec(`PRAGMA user_version = ${version}`)
}

describe('a data file of an older version', () => {
  it('before lanes is brought up to date', async () => {
    await (await open()).close()
    const db = new DatabaseSync(file)
    becomeVersion(db, 2)
    db.close()
    const store = await open()
    const wanted = newSession()
    await store.sessions.create(wanted)
    await store.messages.append({ ...userEntry(wanted.id), replyId: newId(), lane: 'lane-1' })
    expect((await store.replies.findOpen(wanted.id))?.lane).toBe('lane-1')
  })

  it('gets what is missing, also of the first version, and loses nothing', async () => {
    const store = await open()
    const sessionId = await startSession(store)
    const { question } = await askQuestion(store, sessionId)
    await store.close()
    const db = new DatabaseSync(file)
    becomeVersion(db, 1)
    db.close()
    const again = await open()
    expect(await again.replies.findOpen(sessionId)).toMatchObject(question)
    expect(await again.ledger.read('2026-05-05', ['site'])).toEqual([{ tokens: 0, cost: 0 }])
    await again.close()
  })
})
