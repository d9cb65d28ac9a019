import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createKeyRing, openSqliteStore, type Store } from '@chatbox/adapters'
import { openSqliteDatabase } from '../../shared/adapters/src/sqlite/sqlite-database.ts'
import {
  answer,
  createHooks,
  eventually,
  newOutcome,
  newSession,
  readAll,
  startReply,
  startSession,
  times,
  userEntry,
} from './store.support.ts'

const CHILD = fileURLToPath(new URL('../support/append-until-killed.ts', import.meta.url))
const KEY = randomBytes(32)
const cipher = createKeyRing([{ id: 'k1', key: KEY }])

let dataDir: string
let file: string
const opened: Store[] = []
async function open(folder = dataDir): ReturnType<typeof openSqliteStore> {
  const store = await openSqliteStore({ dataDir: folder, cipher, hooks: createHooks() })
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

describe('the data file', () => {
  it('can be read by its owner alone, as can its folder and journals', async () => {
    const folder = join(dataDir, 'a', 'b')
    await startSession(await open(folder))
    const modes = await Promise.all(
      ['', ...(await readdir(folder))].map(async (name) => {
        const { mode } = await stat(join(folder, name))
        return [name, (mode & 0o777).toString(8)]
      }),
    )
    expect(modes).toEqual([
      ['', '700'],
      ['chatbox.db', '600'],
      ['chatbox.db-shm', '600'],
      ['chatbox.db-wal', '600'],
    ])
  })

  it('keeps everything over a restart', async () => {
    const first = await open()
    const wanted = newSession()
    await first.sessions.create(wanted)
    await answer(first, wanted.id)
    const before = [await first.sessions.find(wanted.id), await readAll(first, wanted.id)]
    await first.close()
    const second = await open()
    expect([await second.sessions.find(wanted.id), await readAll(second, wanted.id)]).toEqual(
      before,
    )
  })

  // A process that is killed does not show this: only a power cut would.

  it('is written through to the disk with each commit', () => {
    const db = openSqliteDatabase(file)
    expect(db.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' })
    // FULL.
    expect(db.get('PRAGMA synchronous')).toEqual({ synchronous: 2 })
    db.close()
  })

  it('holds one entry of each seq, whoever writes it', async () => {
    const store = await open()
    const id = await startSession(store)
    await store.messages.append(userEntry(id))
    const db = new DatabaseSync(file)
    const copy = `INSERT INTO messages SELECT 'another', session_id, seq, head, sealed, state, state_sealed FROM messages`
    expect(() => db.exec(copy)).toThrow(
      'UNIQUE constraint failed: messages.session_id, messages.seq',
    )
    db.close()
  })

  it('holds every acknowledged entry after kill -9', async () => {
    const store = await open()
    const sessionId = await startSession(store)
    for (let round = 1; round <= 3; round++) {
      const acknowledged = await appendUntilKilled(sessionId, 30)
      const log = await readAll(store, sessionId)
      const ids = new Set(log.map(({ id }) => id))
      expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
      expect(log.map(({ seq }) => seq)).toEqual(times(log.length, (i) => i + 1))
      expect(await store.sessions.find(sessionId)).toMatchObject({
        lastSeq: log.length,
        messageCount: log.length,
      })
    }
    const integrity = new DatabaseSync(file).prepare('PRAGMA integrity_check').get()
    expect(integrity).toEqual({ integrity_check: 'ok' })
    expect(await store.messages.append(userEntry(sessionId))).toMatchObject({ appended: true })
  }, 30_000)

  it('takes the entries of several processes at once', async () => {
    const store = await open()
    const sessionId = await startSession(store)
    const acknowledged = await Promise.all(times(3, () => appendUntilKilled(sessionId, 40)))
    const log = await readAll(store, sessionId)
    const ids = new Set(log.map(({ id }) => id))
    expect(acknowledged.flat().filter((id) => !ids.has(id))).toEqual([])
    expect(log.map(({ seq }) => seq)).toEqual(times(log.length, (i) => i + 1))
  }, 30_000)

  async function appendUntilKilled(sessionId: string, count: number): Promise<string[]> {
    const args = [dataDir, KEY.toString('base64'), sessionId]
    const child = spawn(process.execPath, ['--conditions=chatbox-source', CHILD, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      if (output.split('\n').length > count) child.kill('SIGKILL')
    })
    await once(child, 'close')
    expect(child.signalCode).toBe('SIGKILL')
    return output.split('\n').slice(0, -1)
  }
})

describe('a data file that cannot be used', () => {
  const expectOneLine = async (opening: Promise<unknown>, reason: RegExp) => {
    const error = await opening.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: false })
    const { message } = error as Error
    expect(message).toMatch(reason)
    expect(message).not.toContain('\n')
  }

  it('says that the folder is none', async () => {
    await writeFile(join(dataDir, 'plain'), '')
    await expectOneLine(open(join(dataDir, 'plain', 'sub')), /plain.*ENOTDIR/u)
  })

  it('says that the file is a folder', async () => {
    await open(join(dataDir, 'chatbox.db'))
    await expectOneLine(open(), /EISDIR/u)
  })

  it('says that the file is something else', async () => {
    await writeFile(file, 'not a database at all, but long enough to have a header '.repeat(20))
    await expectOneLine(open(), /not a database/u)
  })

  it('says that a newer version wrote the file', async () => {
    await (await open()).close()
    const db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 99')
    db.close()
    await expectOneLine(open(), /newer version/u)
  })

  it('says that the folder is not writable', async () => {
    // Not even the superuser, for whom modes do not count, makes a folder in here.
    await expectOneLine(open('/sys/chatbox'), /\/sys\/chatbox.*(EPERM|EACCES|EROFS)/u)
  })
})

describe('a task of another kind', () => {
  it('on the same entry is nobody’s reply', async () => {
    const store = await open()
    const { replies } = store
    const reply = await startReply(store, await startSession(store))
    const db = new DatabaseSync(file)
    db.exec('CREATE TEMP TABLE other AS SELECT * FROM tasks')
    db.exec(`UPDATE other SET kind = 'other', due_at = 0, epoch = 7`)
    db.exec('INSERT INTO tasks SELECT * FROM other')
    expect(await replies.findOpen(reply.sessionId)).toEqual(reply)
    expect(await replies.claim(reply, 1000)).toBeUndefined()
    expect(await replies.takeUnfinished({ forMs: 0, limit: 5 })).toEqual([])
    expect(await replies.requestStop(reply.sessionId, reply.replyId)).toBe(true)
    expect(await replies.commit(reply, newOutcome({ status: 'stopped' }))).toBe('committed')
    expect(await replies.findCommitted(reply)).toMatchObject({ reply: { epoch: reply.epoch } })
    expect(await replies.cancel(reply.sessionId, 'all')).toEqual([
      { replyId: reply.replyId, epoch: reply.epoch },
    ])
    const others = `SELECT * FROM tasks WHERE kind = 'other'`
    expect(db.prepare(others).all()).toEqual(db.prepare('SELECT * FROM other').all())
    db.close()
  })
})

describe('a file that another process holds', () => {
  it('is waited for, and refused in time', async () => {
    const store = await open()
    const sessionId = await startSession(store)
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const startedAt = performance.now()
    await expect(store.messages.append(userEntry(sessionId))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
    })
    expect(performance.now() - startedAt).toBeLessThan(3000)
    expect(await store.sessions.find(sessionId)).toMatchObject({ lastSeq: 0 })
    other.exec('COMMIT')
    other.close()
    expect(await store.messages.append(userEntry(sessionId))).toMatchObject({ appended: true })
  })
})

describe('queries', () => {
  it('use an index each, and sort nothing', async () => {
    const sessions = 'SELECT * FROM sessions WHERE'
    const messages = 'SELECT id FROM messages WHERE'
    const tasks = 'SELECT * FROM tasks WHERE'
    await open()
    const db = new DatabaseSync(file)
    const plan = (sql: string) =>
      db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail))
        .join('; ')
    for (const sql of [
      `${sessions} active_key = ''`,
      `${sessions} user_id = '' ORDER BY last_activity_at DESC, id DESC LIMIT 5`,
      `${sessions} user_id = '' AND (last_activity_at, id) < ('', '')
       ORDER BY last_activity_at DESC, id DESC LIMIT 5`,
      `${sessions} status = 'active' AND last_activity_at < '' ORDER BY last_activity_at LIMIT 5`,
      `${sessions} id > '' AND status = 'active' ORDER BY id LIMIT 5`,
      `${sessions} (changed_at, id) > (5, '') ORDER BY changed_at, id LIMIT 5`,
      `${sessions} status = 'ended' LIMIT 5`,
      `${sessions} (last_activity_at, id) < ('', '') ORDER BY last_activity_at DESC, id DESC LIMIT 5`,
      `${sessions} (started_at, id) > ('', '') ORDER BY started_at ASC, id ASC LIMIT 5`,
      `SELECT * FROM read_marks WHERE operator_id = '' ORDER BY moved_at DESC LIMIT 5`,
      `SELECT * FROM read_marks WHERE moved_at >= 5 ORDER BY moved_at DESC LIMIT 5`,
      `${messages} session_id = '' AND seq < 5 ORDER BY seq DESC LIMIT 5`,
      `${messages} session_id = '' AND seq > 5 ORDER BY seq LIMIT 5`,
      `${messages} id = ''`,
      `${tasks} message_id = '' AND kind = 'reply' AND session_id = ''`,
      `${tasks} kind = 'reply' AND session_id = '' AND open = 1 ORDER BY seq LIMIT 1`,
      `${tasks} kind = 'reply' AND open = 1 AND state IN ('pending') AND due_at <= 5 ORDER BY due_at LIMIT 5`,
      `${tasks} kind = 'reply' AND session_id = '' AND reply_id = '' AND open = 1`,
    ]) {
      expect({ sql, plan: plan(sql) }).toEqual({
        sql,
        plan: expect.not.stringMatching(/SCAN|TEMP B-TREE/u),
      })
    }
    db.close()
  })

  it('open a session of 10,000 messages as fast as one of 100', async () => {
    const store = await open()
    const [short, long] = [await startSession(store), await startSession(store)]
    for (let i = 0; i < 100; i++) await store.messages.append(userEntry(short))
    await store.messages.append(userEntry(long))
    copyEntries(long, 10_000)
    const measure = async (sessionId: string) => {
      const startedAt = performance.now()
      for (let i = 0; i < 20; i++) {
        await store.sessions.find(sessionId)
        const { messages } = await store.messages.read(sessionId, { limit: 50 })
        expect(messages).toHaveLength(50)
      }
      return performance.now() - startedAt
    }
    // The best of some runs is what the work costs; a scan would cost a hundred times more.
    const best = async (sessionId: string) =>
      Math.min(await measure(sessionId), await measure(sessionId), await measure(sessionId))
    await eventually(
      async () => (await best(long)) / (await best(short)),
      (ratio) => ratio < 2,
    )
  }, 30_000)

  /** Fills a log by copies of its first entry, which are not worth opening but cost the same. */
  function copyEntries(sessionId: string, count: number): void {
    const db = new DatabaseSync(file)
    db.prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
       INSERT INTO messages SELECT id || '-' || n, session_id, n,
       head, sealed, state, state_sealed FROM messages, numbers WHERE session_id = ?`,
    ).run(count, sessionId)
    db.close()
  }
})
