import { describe, expect, it } from '@jest/globals'
import { sessionSchema } from '@chatbox/contract'
import type { Store } from '@chatbox/adapters'
import {
  endSession,
  eventually,
  newId,
  newSession,
  nextTime,
  startSession,
  times,
  untilStored,
  userEntry,
  withCode,
  useStores,
  type StoreHarness,
} from './store.support.ts'

/** Every promise of `Sessions`: one active one a user, exact when read, listed in order. */
export function describeSessions(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  describe('Sessions.create', () => {
    it('stores a session that can be found', async () => {
      const wanted = newSession()
      const { session, created } = await store.sessions.create(wanted)
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
      expect(await second.sessions.find(wanted.id)).toEqual(session)
      expect(await second.sessions.findActive(wanted.userId)).toEqual(session)
    })

    it('answers the active session where there is one', async () => {
      const userId = newId()
      const sessionId = await startSession(store, userId)
      const again = await second.sessions.create(newSession(userId))
      expect(again).toMatchObject({ created: false, session: { id: sessionId } })
    })

    it('answers the first session when the same call is made again', async () => {
      const wanted = newSession()
      await store.sessions.create(wanted)
      expect(await second.sessions.create(wanted)).toMatchObject({
        created: false,
        session: { id: wanted.id },
      })
      await endSession(store, wanted.id)
      expect(await second.sessions.create(wanted)).toMatchObject({
        created: false,
        session: { id: wanted.id, status: 'ended' },
      })
    })

    it('does not give out the session of another user', async () => {
      const wanted = newSession()
      await store.sessions.create(wanted)
      const foreign = { ...newSession(), id: wanted.id }
      await expect(store.sessions.create(foreign)).rejects.toEqual(withCode('CONFLICT'))
    })

    it('lets 50 concurrent callers create one session', async () => {
      const userId = newId()
      const results = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).sessions.create(newSession(userId))),
      )
      expect(new Set(results.map(({ session }) => session.id)).size).toBe(1)
      expect(results.filter(({ created }) => created)).toHaveLength(1)
    })

    it('makes a new one after an end, also for 50 concurrent callers', async () => {
      const userId = newId()
      const first = await startSession(store, userId)
      await endSession(store, first)
      const results = await Promise.all(
        times(50, (i) => {
          const wanted = newSession(userId)
          return untilStored(() => (i % 2 ? store : second).sessions.create(wanted))
        }),
      )
      const ids = new Set(results.map(({ session }) => session.id))
      expect(ids.size).toBe(1)
      expect(ids).not.toContain(first)
    })

    it('keeps a user apart from one whose id looks like a key of the store', async () => {
      const { session } = await store.sessions.create(newSession())
      await endSession(store, session.id)
      for (const userId of [session.id, `ended:${session.id}`, '$ne', '{"$ne":null}']) {
        expect(await store.sessions.findActive(userId)).toBeUndefined()
      }
    })

    it('refuses what could not be read back', async () => {
      const tooLong = { ...newSession(), userName: 'x'.repeat(101) }
      await expect(store.sessions.create(tooLong)).rejects.toEqual(withCode('INVALID_FORMAT'))
    })
  })

  describe('Sessions.find', () => {
    it('knows nothing of an unknown one', async () => {
      expect(await store.sessions.find(newId())).toBeUndefined()
      expect(await store.sessions.findActive(newId())).toBeUndefined()
    })

    it('is exact at once, on every instance', async () => {
      const sessionId = await startSession(store)
      for (let seq = 1; seq <= 20; seq++) {
        await (seq % 2 ? store : second).messages.append(userEntry(sessionId))
        expect(await (seq % 2 ? second : store).sessions.find(sessionId)).toMatchObject({
          lastSeq: seq,
          messageCount: seq,
        })
      }
    })

    it('shows an end at once', async () => {
      const userId = newId()
      const sessionId = await startSession(store, userId)
      await endSession(store, sessionId)
      expect(await second.sessions.findActive(userId)).toBeUndefined()
      expect(await second.sessions.find(sessionId)).toMatchObject({ status: 'ended' })
    })
  })

  describe('Sessions.findHead', () => {
    it('knows nothing of an unknown session, and of an empty one that it is empty', async () => {
      expect(await store.sessions.findHead(newId(), 0)).toBeUndefined()
      expect(await store.sessions.findHead(await startSession(store), 0)).toBe(0)
    })

    it('is exact whatever was known, on every instance', async () => {
      const sessionId = await startSession(store)
      for (let seq = 1; seq <= 6; seq++) {
        await (seq % 2 ? store : second).messages.append(userEntry(sessionId))
        for (const known of [0, seq - 1, seq]) {
          expect(await second.sessions.findHead(sessionId, known)).toBe(seq)
        }
      }
    })
  })

  describe('Sessions.list', () => {
    it('lists the latest activity first, page by page, without doubles or holes', async () => {
      const userId = newId()
      const ids: string[] = []
      for (let i = 0; i < 7; i++) {
        const sessionId = await startSession(store, userId)
        ids.unshift(sessionId)
        await endSession(store, sessionId)
      }
      await startSession(store)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.sessions.list(userId, { limit: 3, ...(cursor && { cursor }) })
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
        const { session } = await store.sessions.create({ ...newSession(userId), startedAt })
        await endSession(store, session.id)
      }
      const first = await store.sessions.list(userId, { limit: 2 })
      const cursor = first.nextCursor ?? ''
      const rest = await store.sessions.list(userId, { limit: 10, cursor })
      expect(rest.nextCursor).toBeNull()
      const ids = [...first.sessions, ...rest.sessions].map(({ id }) => id)
      expect(ids).toHaveLength(5)
      expect(ids).toEqual([...new Set(ids)].sort().reverse())
    })

    it('shows what has happened, soon after', async () => {
      const userId = newId()
      const sessionId = await startSession(store, userId)
      await store.messages.append(userEntry(sessionId, { content: 'First words\nand more' }))
      await eventually(
        () => second.sessions.list(userId, { limit: 5 }),
        ({ sessions }) => sessions[0]?.messageCount === 1,
      )
      const { sessions } = await second.sessions.list(userId, { limit: 5 })
      expect(sessions).toEqual([await store.sessions.find(sessionId)])
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
      await expect(store.sessions.list(newId(), { limit: 5, cursor })).rejects.toEqual(
        withCode('INVALID_FORMAT'),
      )
    })
  })

  describe('Sessions.noteActivity', () => {
    const at = (minute: number) => new Date(Date.UTC(2002, 0, 1, 0, minute))
    const start = async (minute: number) => {
      const startedAt = at(minute).toISOString()
      return (await store.sessions.create({ ...newSession(), startedAt })).session
    }
    const isIdle = async (sessionId: string, minute: number) =>
      (await second.sessions.listIdle(at(minute), 1000)).some(({ id }) => id === sessionId)

    it('keeps a session from being listed as idle, and adds no entry', async () => {
      const { id, userId } = await start(10)
      expect(await isIdle(id, 20)).toBe(true)
      await store.sessions.noteActivity(id, at(30))
      expect([await isIdle(id, 20), await isIdle(id, 31)]).toEqual([false, true])
      const active = await second.sessions.findActive(userId)
      expect(active).toMatchObject({ id, lastActivityAt: at(30).toISOString(), lastSeq: 0 })
    })

    it('never moves the last activity back, and is kept by the entry that follows', async () => {
      const { id } = await start(10)
      await store.sessions.noteActivity(id, at(30))
      await second.sessions.noteActivity(id, at(20))
      const entry = userEntry(id)
      const createdAt = at(25).toISOString()
      await store.messages.append({ ...entry, message: { ...entry.message, createdAt } })
      expect(await isIdle(id, 24)).toBe(false)
      await second.sessions.noteActivity(id, at(40))
      await untilStored(async () => {
        expect([await isIdle(id, 39), await isIdle(id, 41)]).toEqual([false, true])
      })
    })

    it('changes nothing of a session that has ended or does not exist', async () => {
      const { id } = await start(10)
      await endSession(store, id)
      const ended = await store.sessions.find(id)
      await store.sessions.noteActivity(id, at(30))
      expect(await second.sessions.find(id)).toEqual(ended)
      const unknown = newId()
      await store.sessions.noteActivity(unknown, at(30))
      expect(await second.sessions.find(unknown)).toBeUndefined()
    })
  })

  describe('Sessions.listIdle', () => {
    it('lists active sessions without activity, the longest idle first', async () => {
      const old = (minute: number) => new Date(Date.UTC(2001, 0, 1, 0, minute))
      const start = async (minute: number) => {
        const startedAt = old(minute).toISOString()
        return (await store.sessions.create({ ...newSession(), startedAt })).session.id
      }
      const [third, firstId, secondId, ended, woken] = [
        await start(30),
        await start(10),
        await start(20),
        await start(5),
        await start(6),
      ]
      await endSession(store, ended)
      await store.messages.append(userEntry(woken))
      const ids = (sessions: { id: string }[]) => sessions.map(({ id }) => id)
      expect(ids(await second.sessions.listIdle(old(25), 10))).toEqual([firstId, secondId])
      expect(ids(await second.sessions.listIdle(old(60), 2))).toEqual([firstId, secondId])
      expect(ids(await second.sessions.listIdle(old(60), 10))).toEqual([firstId, secondId, third])
    })
  })
}
