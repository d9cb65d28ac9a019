import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { ReplyTask } from '@chatbox/core'
import { startTcpProxy, type CutMode, type TcpProxy } from '../environment/servers/tcp-proxy.ts'
import { findFreePort } from '../environment/servers/ports.ts'
import {
  endSession,
  eventEntry,
  eventually,
  newId,
  newSession,
  questionEntry,
  readAll,
  startReply,
  startSession,
  times,
  untilStored,
  userEntry,
} from './store.support.ts'
import {
  describeWithMongo,
  describeWithOwnMongo,
  mongo,
  openMongoLab,
  type MongoLab,
} from './mongo.support.ts'
import { expectUnavailable, PROMISED_MS, toCalls } from './store-calls.support.ts'

const RECOVERY_MS = 10_000

describeWithMongo('The store on MongoDB over a faulty link', () => {
  let lab: MongoLab
  let link: TcpProxy
  let store: Store
  let reply: ReplyTask
  beforeEach(async () => {
    lab = await openMongoLab()
    link = await startTcpProxy({ port: mongo?.port ?? 0 })
    store = await lab.open(link.port)
    reply = await startReply(store, await startSession(store))
  })
  afterEach(async () => {
    await link.restore()
    await lab.close()
    await link.close()
  })

  it.each<CutMode>(['refuse', 'reset', 'blackhole'])(
    'refuses every call in time while the link is cut by %s, and serves again by itself',
    async (mode) => {
      await link.cut(mode)
      await expectUnavailable(toCalls(store, reply))
      // Also those that come later find it away in time.
      await expectUnavailable({ append: () => store.messages.append(userEntry(reply.sessionId)) })
      await link.restore()
      const entry = userEntry(reply.sessionId)
      await eventually(
        () => store.messages.append(entry).catch(() => undefined),
        (appended) => appended?.message.content === entry.message.content,
        RECOVERY_MS,
      )
      const log = await readAll(store, reply.sessionId)
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1))
      expect(log.filter(({ id }) => id === entry.message.id)).toHaveLength(1)
    },
    40_000,
  )

  it('refuses in time over a link that is too slow', async () => {
    link.setLatency(2500)
    await expectUnavailable(toCalls(store, reply))
  }, 20_000)

  it('serves over a link that is slow', async () => {
    link.setLatency(150)
    expect(await store.messages.append(userEntry(reply.sessionId))).toMatchObject({
      appended: true,
    })
    expect(await store.sessions.find(reply.sessionId)).toMatchObject({ lastSeq: 2 })
  })

  it('stores a message once that is sent again and again through an outage', async () => {
    const entry = questionEntry(reply.sessionId)
    await link.cut('blackhole')
    const sent = times(10, () => store.messages.append(entry).catch(() => undefined))
    await Promise.all(sent)
    await link.restore()
    await eventually(
      () => store.messages.append(entry).catch(() => undefined),
      (appended) => appended !== undefined,
      RECOVERY_MS,
    )
    const log = await readAll(store, reply.sessionId)
    expect(log.filter(({ id }) => id === entry.message.id)).toHaveLength(1)
  }, 30_000)

  it('closes while the server is away', async () => {
    await link.cut('blackhole')
    await store.messages.append(userEntry(reply.sessionId)).catch(() => undefined)
    const startedAt = performance.now()
    await store.close()
    expect(performance.now() - startedAt).toBeLessThan(5000)
  }, 20_000)
})

describeWithOwnMongo('The store on a MongoDB that stops', () => {
  let lab: MongoLab
  let store: Store
  let reply: ReplyTask
  beforeEach(async () => {
    lab = await openMongoLab()
    store = await lab.open()
    reply = await startReply(store, await startSession(store))
  })
  afterEach(async () => {
    mongo?.kill('SIGCONT')
    await lab.close()
  })

  it('refuses every call in time while it is paused, and serves again by itself', async () => {
    mongo?.kill('SIGSTOP')
    await expectUnavailable(toCalls(store, reply))
    mongo?.kill('SIGCONT')
    await eventually(
      () => store.messages.append(userEntry(reply.sessionId)).catch(() => undefined),
      (appended) => appended !== undefined,
      RECOVERY_MS,
    )
    const log = await readAll(store, reply.sessionId)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1))
  }, 30_000)

  it('serves again when it was restarted, with what was stored', async () => {
    const { message } = await store.messages.append(userEntry(reply.sessionId))
    await mongo?.restart()
    const found = await eventually(
      () => store.messages.find(reply.sessionId, message.id).catch(() => undefined),
      (value) => value !== undefined,
      RECOVERY_MS,
    )
    expect(found).toEqual(message)
    expect(await store.messages.append(userEntry(reply.sessionId))).toMatchObject({
      message: { seq: message.seq + 1 },
    })
  }, 30_000)
})

describeWithMongo('openMongoStore', () => {
  it('says in one line that there is no server', async () => {
    const lab = await openMongoLab()
    const startedAt = performance.now()
    await expect(lab.open(await findFreePort())).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.not.stringContaining('\n'),
    })
    expect(performance.now() - startedAt).toBeLessThan(PROMISED_MS)
    await lab.close()
  })
})

describeWithMongo('a session document that a crash left behind its log', () => {
  let lab: MongoLab
  let store: Store
  let userId: string
  let sessionId: string
  /** Puts the session's document back to what it was, as if the copy had never been written. */
  let undoCopy: () => Promise<void>
  let keepCopy: () => Promise<void>
  beforeEach(async () => {
    lab = await openMongoLab()
    store = await lab.open()
    userId = newId()
    sessionId = await startSession(store, userId)
    await store.messages.append(userEntry(sessionId))
    await eventually(
      () => store.sessions.list(userId, { limit: 1 }),
      ({ sessions }) => sessions[0]?.lastSeq === 1,
    )
    const sessions = lab.db.collection<{ _id: string }>('sessions')
    let kept = await sessions.findOne({ _id: sessionId })
    keepCopy = async () => {
      kept = await sessions.findOne({ _id: sessionId })
    }
    undoCopy = async () => {
      if (kept) await sessions.replaceOne({ _id: sessionId }, kept)
    }
  })
  afterEach(() => lab.close())

  const end = async () => {
    await endSession(store, sessionId)
    await undoCopy()
    const { sessions } = await store.sessions.list(userId, { limit: 1 })
    expect(sessions[0]?.status).toBe('active')
  }
  const expectMended = async () => {
    const { sessions } = await store.sessions.list(userId, { limit: 5 })
    expect(sessions.find(({ id }) => id === sessionId)).toEqual(
      await store.sessions.find(sessionId),
    )
  }

  it('does not hide an end from who looks for the session', async () => {
    await end()
    expect(await store.sessions.find(sessionId)).toMatchObject({ status: 'ended', lastSeq: 2 })
    await expectMended()
  })

  it('does not hide an end from who looks for the active one', async () => {
    await end()
    expect(await store.sessions.findActive(userId)).toBeUndefined()
    await expectMended()
  })

  it('does not keep the user from a new session, also for 50 at once', async () => {
    await end()
    const created = await Promise.all(
      times(50, () => {
        const wanted = newSession(userId)
        return untilStored(() => store.sessions.create(wanted))
      }),
    )
    expect(new Set(created.map(({ session }) => session.id)).size).toBe(1)
    expect(created[0]?.session.id).not.toBe(sessionId)
    await expectMended()
  })

  it('takes no further entry after an end', async () => {
    await end()
    await expect(store.messages.append(userEntry(sessionId))).rejects.toMatchObject({
      code: 'SESSION_ENDED',
    })
  })

  it('does not refuse what the log allows', async () => {
    const by = { id: 'operator', name: 'Grace' }
    await store.messages.append(eventEntry(sessionId, { type: 'takeover_started', by }))
    await keepCopy()
    await store.messages.append(eventEntry(sessionId, { type: 'takeover_ended', by }))
    await undoCopy()
    const { message } = userEntry(sessionId, { sender: { type: 'ai', id: 'demo', name: '' } })
    expect(await store.messages.append({ message })).toMatchObject({
      appended: true,
      message: { seq: 4 },
    })
  })

  it('does not end a session that is not idle', async () => {
    const { message } = await store.messages.append(userEntry(sessionId))
    await undoCopy()
    const before = new Date(message.createdAt)
    expect(await store.sessions.listIdle(before, 10)).toEqual([])
    await expectMended()
    const later = new Date(before.getTime() + 1)
    expect(await store.sessions.listIdle(later, 10)).toMatchObject([{ id: sessionId, lastSeq: 2 }])
  })

  it('is never put back by a copy that comes late', async () => {
    const link = await startTcpProxy({ port: mongo?.port ?? 0 })
    const late = await lab.open(link.port)
    await late.messages.append(userEntry(sessionId))
    // Its copy gathers first: it leaves from now on, and arrives after the end.
    await link.cut('stall', 'up')
    await endSession(store, sessionId)
    await link.restore()
    await late.close()
    await link.close()
    const document = await lab.db
      .collection<{ _id: string }>('sessions')
      .findOne({ _id: sessionId })
    expect(document).toMatchObject({ seq: 3, status: 'ended' })
  })
})

describe('ids', () => {
  it('are checked to be text before they get into a filter', async () => {
    const { toKey } = await import('../../shared/adapters/src/mongo/documents.ts')
    expect(toKey('abc')).toBe('abc')
    for (const value of [{ $ne: null }, ['a'], 1, null, undefined]) {
      expect(() => toKey(value)).toThrow('An id is a text.')
    }
  })
})
