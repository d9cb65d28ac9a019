import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createKeyRing, openSqliteStore, type EncryptionKey, type Store } from '@chatbox/adapters'
import { findMarkers, writeMarkers } from './encryption-at-rest.support.ts'
import { describeWithMongo, openMongoLab } from './mongo.support.ts'
import {
  createHooks,
  eventually,
  newSession,
  readAll,
  startReply,
  startSession,
  userEntry,
  newOutcome,
  type RecordedHooks,
} from './store.support.ts'

const newKey = (id: string): EncryptionKey => ({ id, key: new Uint8Array(randomBytes(32)) })

describe('findMarkers', () => {
  it('finds a marker that is plain or merely encoded', () => {
    const text = '{"content":"ZebraMarker1"}'
    expect(findMarkers(text)).toEqual(['ZebraMarker1'])
    for (const encoding of ['base64', 'base64url', 'hex'] as const) {
      expect(findMarkers(`1.k1.${Buffer.from(text).toString(encoding)}`)).not.toEqual([])
    }
  })
})

describe('texts in a SQLite file', () => {
  let dataDir: string
  let hooks: RecordedHooks
  const opened: Store[] = []
  const open = async (...keys: EncryptionKey[]) => {
    const store = await openSqliteStore({ dataDir, cipher: createKeyRing(keys), hooks })
    opened.push(store)
    return store
  }
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'chatbox-sealed-'))
    hooks = createHooks()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()))
    await rm(dataDir, { recursive: true })
  })

  const readFiles = async () => {
    const names = await readdir(dataDir)
    const contents = await Promise.all(names.map((name) => readFile(join(dataDir, name), 'latin1')))
    return { names, raw: contents.join('\n') }
  }

  it('are nowhere to be read, while it is open and afterwards', async () => {
    const store = await open(newKey('k1'))
    const sessionId = await writeMarkers(store)
    expect(JSON.stringify(await readAll(store, sessionId))).toContain('ZebraMarker')
    const during = await readFiles()
    expect(during.names).toContain('chatbox.db-wal')
    expect(during.raw).toContain(sessionId)
    expect(findMarkers(during.raw)).toEqual([])
    await store.close()
    const after = await readFiles()
    expect(after.raw).toContain(sessionId)
    expect(findMarkers(after.raw)).toEqual([])
  })

  it('stay readable after a change of keys, and new ones need the new key', async () => {
    const [old, current] = [newKey('old'), newKey('current')]
    const first = await open(old)
    const session = newSession()
    await first.sessions.create(session)
    await first.messages.append(userEntry(session.id, { content: 'before' }))
    const second = await open(current, old)
    await second.messages.append(userEntry(session.id, { content: 'after' }))
    expect((await readAll(second, session.id)).map(({ content }) => content)).toEqual([
      'before',
      'after',
    ])
    expect(await second.sessions.find(session.id)).toMatchObject({
      name: 'before',
      userName: 'Ada',
    })
    expect(hooks.refused).toEqual([])
    expect((await readAll(first, session.id)).map(({ status }) => status)).toEqual([
      'complete',
      'failed',
    ])
  })

  it('under an unknown key cost their entry alone, and the session goes on', async () => {
    const session = newSession()
    const lost = await open(newKey('lost'))
    await lost.sessions.create(session)
    await lost.messages.append(userEntry(session.id, { content: 'secret' }))
    await lost.conversationRefs.save(session.id, 'dify', 'ref')
    const store = await open(newKey('other'))
    expect(await store.sessions.find(session.id)).toMatchObject({
      name: '',
      userName: '',
      lastSeq: 1,
    })
    const { message } = await store.messages.append(userEntry(session.id, { content: 'hello' }))
    const log = await readAll(store, session.id)
    expect(log).toEqual([
      expect.objectContaining({ status: 'failed', content: '', seq: 1 }),
      message,
    ])
    expect(await store.conversationRefs.read(session.id, 'dify')).toBeUndefined()
    expect(hooks.refused).toContainEqual({
      source: 'message',
      ids: { sessionId: session.id, messageId: log[0]?.id },
    })
    expect((await store.sessions.list(session.userId, { limit: 5 })).sessions).toHaveLength(1)
  })

  it('of an outcome that cannot be opened become a failed reply', async () => {
    const lost = await open(newKey('lost'))
    const reply = await startReply(lost, await startSession(lost))
    await lost.replies.commit(reply, newOutcome())
    const store = await open(newKey('other'))
    expect(await store.replies.findCommitted(reply)).toMatchObject({
      reply: { replyId: reply.replyId },
      outcome: { status: 'failed', content: '', error: { code: 'INTERNAL' } },
    })
  })

  it('whose row is damaged in any column are served as failed', async () => {
    const store = await open(newKey('k1'))
    const sessionId = await startSession(store)
    const { message } = await store.messages.append(userEntry(sessionId))
    await store.messages.append(userEntry(sessionId))
    const db = new DatabaseSync(join(dataDir, 'chatbox.db'))
    for (const [column, value] of [
      ['sealed', ''],
      ['sealed', '1.k1.AAAA'],
      ['sealed', JSON.stringify(message)],
      ['head', 'no json'],
      ['head', '{}'],
    ]) {
      db.prepare(`UPDATE messages SET ${column ?? ''} = ? WHERE id = ?`).run(
        value ?? '',
        message.id,
      )
      expect((await readAll(store, sessionId)).map(({ status }) => status)).toEqual([
        'failed',
        'complete',
      ])
    }
    db.close()
  })

  it('keep a list readable of which one session is damaged', async () => {
    const store = await open(newKey('k1'))
    const { session } = await store.sessions.create(newSession())
    const db = new DatabaseSync(join(dataDir, 'chatbox.db'))
    db.prepare(`UPDATE sessions SET state = '{}' WHERE id = ?`).run(session.id)
    db.close()
    expect(await store.sessions.list(session.userId, { limit: 5 })).toEqual({
      sessions: [],
      nextCursor: null,
    })
    await expect(store.sessions.find(session.id)).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(hooks.refused).toContainEqual({ source: 'session', ids: { sessionId: session.id } })
  })
})

describeWithMongo('texts in MongoDB', () => {
  it('are nowhere to be read', async () => {
    const lab = await openMongoLab()
    const store = await lab.open()
    const sessionId = await writeMarkers(store)
    const dump = async () => {
      const collections = await lab.db.listCollections().toArray()
      const documents = await Promise.all(
        collections.map(({ name }) => lab.db.collection(name).find().toArray()),
      )
      return JSON.stringify(documents)
    }
    const { lastSeq } = (await store.sessions.find(sessionId)) ?? {}
    const raw = await eventually(dump, (text) => text.includes(`"seq":${lastSeq ?? '?'},"state`))
    for (const collection of [
      'sessions',
      'messages',
      'conversations',
      'desk_entries',
      'desk_drafts',
    ]) {
      expect(await lab.db.collection(collection).countDocuments()).toBeGreaterThan(0)
    }
    expect(findMarkers(raw)).toEqual([])
    await lab.close()
  })

  it('that are damaged cost their entry alone', async () => {
    const lab = await openMongoLab()
    const store = await lab.open()
    const sessionId = await startSession(store)
    const { message } = await store.messages.append(userEntry(sessionId))
    const messages = lab.db.collection<{ _id: string }>('messages')
    for (const change of [{ sealed: '' }, { sealed: { $ne: 1 } }, { head: 1 }, { head: null }]) {
      await messages.updateOne({ _id: message.id }, { $set: change })
      expect(await readAll(store, sessionId)).toMatchObject([{ status: 'failed', seq: 1 }])
    }
    expect(lab.hooks.refused[0]).toEqual({
      source: 'message',
      ids: { sessionId, messageId: message.id },
    })
    expect(await store.messages.append(userEntry(sessionId))).toMatchObject({ message: { seq: 2 } })
    const sessions = lab.db.collection<{ _id: string }>('sessions')
    await sessions.updateOne({ _id: sessionId }, { $set: { sealed: 7 } })
    await expect(store.sessions.find(sessionId)).rejects.toMatchObject({ code: 'INTERNAL' })
    await lab.close()
  })

  it('keep a sweep going past a document that is damaged', async () => {
    const lab = await openMongoLab()
    const store = await lab.open()
    const [damaged, sound] = [await startSession(store), await startSession(store)]
    const replies = [await startReply(store, damaged), await startReply(store, sound)]
    await Promise.all(replies.map((reply) => store.replies.release(reply)))
    const messages = lab.db.collection<{ _id: string }>('messages')
    const change = { $set: { 'tasks.reply.epoch': 'one', state: { status: 'new' } } }
    await messages.updateOne({ sessionId: damaged }, change)
    const sessions = lab.db.collection<{ _id: string }>('sessions')
    // Written later than now, the copies of both tips would hide what is damaged.
    await eventually(
      () => sessions.countDocuments({ seq: 1 }),
      (copied) => copied === replies.length,
    )
    await sessions.updateMany({}, { $set: { seq: 0 } })

    const stranded = await eventually(
      () => store.replies.takeWaiting(0, { forMs: 1000, limit: 10 }),
      (found) => found.length > 0,
    )
    expect(stranded.map(({ sessionId }) => sessionId)).toEqual([sound])
    const idle = await store.sessions.listIdle(new Date('2100-01-01'), 10)
    expect(idle.map(({ id }) => id)).toEqual([sound])
    expect(await store.replies.findOpen(damaged)).toBeUndefined()
    expect(lab.hooks.refused).toContainEqual({
      source: 'reply',
      ids: { sessionId: damaged, messageId: replies[0]?.messageId },
    })
    await lab.close()
  })
})
