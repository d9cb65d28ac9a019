import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sessionSchema } from '@chatbox/contract'
import type { ChatStore } from '@chatbox/core'
import {
  eventEntry,
  eventually,
  newId,
  newSession,
  nextTime,
  startSession,
  times,
  untilStored,
  userEntry,
  withCode,
  type StoreHarness,
} from './chat-store.support.ts'

/** Sessions: one active one a user, exact when read, listed in order. */
export function describeSessions(open: () => Promise<StoreHarness>): void {
  let harness: StoreHarness
  let store: ChatStore
  let second: ChatStore
  beforeAll(async () => {
    harness = await open()
    store = harness.store
    second = await harness.openSecond()
  })
  afterAll(async () => {
    await second.close()
    await harness.close()
  })

  describe('createSession', () => {
    it('stores a session that can be found', async () => {
      const wanted = newSession()
      const { session, created } = await store.createSession(wanted)
      expect(created).toBe(true)
      expect(session).toMatchObject({
        ...wanted,
        status: 'active',
        name: '',
        lastSeq: 0,
        endedAt: null,
        shared: false,
      })
      expect(() => sessionSchema.parse(session)).not.toThrow()
      expect(await second.findSession(wanted.id)).toEqual(session)
      expect(await second.findActiveSession(wanted.userId)).toEqual(session)
    })

    it('answers the active session where there is one', async () => {
      const userId = newId()
      const sessionId = await startSession(store, userId)
      const again = await second.createSession(newSession(userId))
      expect(again).toMatchObject({ created: false, session: { id: sessionId } })
    })

    it('answers the first session when the same call is made again', async () => {
      const wanted = newSession()
      await store.createSession(wanted)
      expect(await second.createSession(wanted)).toMatchObject({
        created: false,
        session: { id: wanted.id },
      })
      await store.append(eventEntry(wanted.id, { type: 'session_ended', reason: 'user' }))
      expect(await second.createSession(wanted)).toMatchObject({
        created: false,
        session: { id: wanted.id, status: 'ended' },
      })
    })

    it('does not give out the session of another user', async () => {
      const wanted = newSession()
      await store.createSession(wanted)
      const foreign = { ...newSession(), id: wanted.id }
      await expect(store.createSession(foreign)).rejects.toEqual(withCode('CONFLICT'))
    })

    it('lets 50 concurrent callers create one session', async () => {
      const userId = newId()
      const results = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).createSession(newSession(userId))),
      )
      expect(new Set(results.map(({ session }) => session.id)).size).toBe(1)
      expect(results.filter(({ created }) => created)).toHaveLength(1)
    })

    it('makes a new one after an end, also for 50 concurrent callers', async () => {
      const userId = newId()
      const first = await startSession(store, userId)
      await store.append(eventEntry(first, { type: 'session_ended', reason: 'replaced' }))
      const results = await Promise.all(
        times(50, (i) => {
          const wanted = newSession(userId)
          return untilStored(() => (i % 2 ? store : second).createSession(wanted))
        }),
      )
      const ids = new Set(results.map(({ session }) => session.id))
      expect(ids.size).toBe(1)
      expect(ids).not.toContain(first)
    })

    it('keeps a user apart from one whose id looks like a key of the store', async () => {
      const { session } = await store.createSession(newSession())
      await store.append(eventEntry(session.id, { type: 'session_ended', reason: 'user' }))
      for (const userId of [session.id, `ended:${session.id}`, '$ne', '{"$ne":null}']) {
        expect(await store.findActiveSession(userId)).toBeUndefined()
      }
    })

    it('refuses what could not be read back', async () => {
      const tooLong = { ...newSession(), userName: 'x'.repeat(101) }
      await expect(store.createSession(tooLong)).rejects.toEqual(withCode('INVALID_FORMAT'))
    })
  })

  describe('findSession', () => {
    it('knows nothing of an unknown one', async () => {
      expect(await store.findSession(newId())).toBeUndefined()
      expect(await store.findActiveSession(newId())).toBeUndefined()
    })

    it('is exact at once, on every instance', async () => {
      const sessionId = await startSession(store)
      for (let seq = 1; seq <= 20; seq++) {
        await (seq % 2 ? store : second).append(userEntry(sessionId))
        expect(await (seq % 2 ? second : store).findSession(sessionId)).toMatchObject({
          lastSeq: seq,
          messageCount: seq,
        })
      }
    })

    it('shows an end at once', async () => {
      const userId = newId()
      const sessionId = await startSession(store, userId)
      await store.append(eventEntry(sessionId, { type: 'session_ended', reason: 'user' }))
      expect(await second.findActiveSession(userId)).toBeUndefined()
      expect(await second.findSession(sessionId)).toMatchObject({ status: 'ended' })
    })
  })

  describe('findHead', () => {
    it('knows nothing of an unknown session, and of an empty one that it is empty', async () => {
      expect(await store.findHead(newId(), 0)).toBeUndefined()
      expect(await store.findHead(await startSession(store), 0)).toBe(0)
    })

    it('is exact whatever was known, on every instance', async () => {
      const sessionId = await startSession(store)
      for (let seq = 1; seq <= 6; seq++) {
        await (seq % 2 ? store : second).append(userEntry(sessionId))
        for (const known of [0, seq - 1, seq]) {
          expect(await second.findHead(sessionId, known)).toBe(seq)
        }
      }
    })
  })

  describe('listSessions', () => {
    it('lists the latest activity first, page by page, without doubles or holes', async () => {
      const userId = newId()
      const ids: string[] = []
      for (let i = 0; i < 7; i++) {
        const sessionId = await startSession(store, userId)
        ids.unshift(sessionId)
        await store.append(eventEntry(sessionId, { type: 'session_ended', reason: 'user' }))
      }
      await startSession(store)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.listSessions(userId, { limit: 3, ...(cursor && { cursor }) })
        expect(page.sessions.length).toBeLessThanOrEqual(3)
        seen.push(...page.sessions.map(({ id }) => id))
        cursor = page.nextCursor ?? undefined
      } while (cursor)
      expect(seen).toEqual(ids)
    })

    it('orders sessions of one instant by id', async () => {
      const userId = newId()
      const startedAt = nextTime()
      for (let i = 0; i < 5; i++) {
        const { session } = await store.createSession({ ...newSession(userId), startedAt })
        await store.append(eventEntry(session.id, { type: 'session_ended', reason: 'user' }))
      }
      const first = await store.listSessions(userId, { limit: 2 })
      const cursor = first.nextCursor ?? ''
      const rest = await store.listSessions(userId, { limit: 10, cursor })
      expect(rest.nextCursor).toBeNull()
      const ids = [...first.sessions, ...rest.sessions].map(({ id }) => id)
      expect(ids).toHaveLength(5)
      expect(ids).toEqual([...new Set(ids)].sort().reverse())
    })

    it('shows what has happened, soon after', async () => {
      const userId = newId()
      const sessionId = await startSession(store, userId)
      await store.append(userEntry(sessionId, { content: 'First words\nand more' }))
      await eventually(
        () => second.listSessions(userId, { limit: 5 }),
        ({ sessions }) => sessions[0]?.messageCount === 1,
      )
      const { sessions } = await second.listSessions(userId, { limit: 5 })
      expect(sessions).toEqual([await store.findSession(sessionId)])
      expect(sessions[0]?.name).toBe('First words')
    })

    const encode = (text: string) => Buffer.from(text).toString('base64url')
    it.each([
      ['empty', ''],
      ['too short', 'x'],
      ['no JSON', encode('not json')],
      ['without fields', encode('[]')],
      ['with an object', encode('["2026-01-01T00:00:00.000Z",{"$ne":1}]')],
      ['padded', `${encode('["2026-01-01T00:00:00.000Z","ab"]')}=`],
      ['endless', 'A'.repeat(5000)],
    ])('refuses a cursor that is %s', async (_, cursor) => {
      await expect(store.listSessions(newId(), { limit: 5, cursor })).rejects.toEqual(
        withCode('INVALID_FORMAT'),
      )
    })
  })

  describe('listIdleSessions', () => {
    it('lists active sessions without activity, the longest idle first', async () => {
      const old = (minute: number) => new Date(Date.UTC(2001, 0, 1, 0, minute))
      const start = async (minute: number) => {
        const startedAt = old(minute).toISOString()
        return (await store.createSession({ ...newSession(), startedAt })).session.id
      }
      const [third, firstId, secondId, ended, woken] = [
        await start(30),
        await start(10),
        await start(20),
        await start(5),
        await start(6),
      ]
      await store.append(eventEntry(ended, { type: 'session_ended', reason: 'idle' }))
      await store.append(userEntry(woken))
      const ids = (sessions: { id: string }[]) => sessions.map(({ id }) => id)
      expect(ids(await second.listIdleSessions(old(25), 10))).toEqual([firstId, secondId])
      expect(ids(await second.listIdleSessions(old(60), 2))).toEqual([firstId, secondId])
      expect(ids(await second.listIdleSessions(old(60), 10))).toEqual([firstId, secondId, third])
    })
  })
}
