import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import { EMPTY_DESK } from '@chatbox/contract'
import { INBOX_SLACK_MS, type InboxEntry, type InboxList, type InboxMark } from '@chatbox/core'
import {
  endSession,
  eventEntry,
  eventually,
  modelEntry,
  newId,
  newSession,
  startSession,
  times,
  untilStored,
  useStores,
  userEntry,
  withCode,
  type StoreHarness,
} from './store.support.ts'

const HELP = { type: 'help_requested', note: 'A refund' } as const

/** Every promise of `Inbox`. */
export function describeInbox(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  const readOne = async (sessionId: string): Promise<InboxEntry | undefined> =>
    (await second.inbox.read([sessionId]))[0]

  /** A projection is written a moment after its entry. */
  const readWhen = (sessionId: string, check: (entry: InboxEntry) => boolean) =>
    eventually(
      () => readOne(sessionId),
      (entry) => entry !== undefined && check(entry),
    )

  async function readChanges(from: InboxMark, limit = 1000): Promise<InboxMark[]> {
    const marks = await second.inbox.listChanges(from, limit)
    const last = marks.at(-1)
    return last && marks.length === limit ? [...marks, ...(await readChanges(last, limit))] : marks
  }

  describe('Inbox', () => {
    it('has each session as it is after its newest entry', async () => {
      const sessionId = await startSession(store)
      expect(await readOne(sessionId)).toMatchObject({
        session: await store.sessions.find(sessionId),
        ...{ waitingSince: null, userTexts: 0, desk: EMPTY_DESK },
      })
      await store.messages.append(userEntry(sessionId))
      await store.messages.append(modelEntry(sessionId))
      const { message } = await store.messages.append(eventEntry(sessionId, HELP))
      await store.messages.append(userEntry(sessionId))
      const entry = await readWhen(sessionId, ({ session }) => session.lastSeq === 4)
      expect(entry?.session).toEqual(await store.sessions.find(sessionId))
      expect(entry).toMatchObject({ waitingSince: message.createdAt, userTexts: 2 })
    })

    it('knows nothing of a session that is not there', async () => {
      expect(await store.inbox.read([])).toEqual([])
      expect(await store.inbox.read([newId(), '$ne', '{"$ne":null'])).toEqual([])
    })

    it('walks over the active sessions by id, in pages', async () => {
      const active = await Promise.all(times(7, () => startSession(store)))
      const ended = await startSession(store)
      await endSession(store, ended)
      for (const isChecked of [false, true]) {
        const seen: string[] = []
        let afterId: string | undefined = ''
        while (afterId !== undefined) {
          const page = await second.inbox.listActive({ afterId, limit: 3, isChecked })
          expect(page.entries.length).toBeLessThanOrEqual(3)
          seen.push(...page.entries.map(({ session }) => session.id))
          afterId = page.lastId
        }
        expect(seen).toEqual([...new Set(seen)].sort())
        expect(seen).toEqual(expect.arrayContaining(active))
        expect(seen).not.toContain(ended)
      }
    })

    it('tells of each change, in order and in pages', async () => {
      const before = { changedAt: await store.inbox.now(), sessionId: '' }
      const from = { ...before, changedAt: new Date(before.changedAt.getTime() - 1000) }
      const ids = await Promise.all(times(8, () => startSession(store)))
      for (const id of ids) await store.messages.append(eventEntry(id, HELP))
      await readWhen(ids.at(-1) ?? '', ({ session }) => session.help !== null)
      const marks = await readChanges(from, 3)
      const seen = marks.map(({ sessionId }) => sessionId)
      expect(seen).toEqual(expect.arrayContaining(ids))
      const places = marks.map(({ changedAt }) => changedAt.getTime())
      expect(places).toEqual([...places].sort((a, b) => a - b))
    })

    it('moves the place of a session with each kind of entry', async () => {
      const sessionId = await startSession(store)
      const entries = [
        userEntry(sessionId),
        modelEntry(sessionId),
        eventEntry(sessionId, HELP),
        eventEntry(sessionId, { type: 'session_ended', reason: 'idle' }),
      ]
      for (const entry of entries) {
        const before = (await readOne(sessionId))?.changedAt ?? ''
        // A clock that counts in milliseconds has to go on.
        await eventually(
          () => store.inbox.now(),
          (now) => now.getTime() > Date.parse(before) + 1,
        )
        await store.messages.append(entry)
        const after = await readWhen(sessionId, ({ changedAt }) => changedAt > before)
        const marks = await readChanges({ changedAt: new Date(before), sessionId })
        expect(marks).toContainEqual({ sessionId, changedAt: new Date(after?.changedAt ?? '') })
      }
    })

    it('lets a follower with the slack miss nothing of 20 writers in two processes', async () => {
      const follower = follow()
      const written = await Promise.all(
        times(20, async (index) => {
          const writer = index % 2 ? store : second
          const sessionId = await untilStored(() => startSession(writer))
          for (let entries = 0; entries < 6; entries++) {
            await untilStored(() => writer.messages.append(userEntry(sessionId)))
          }
          return sessionId
        }),
      )
      await eventually(
        async () => written.filter((id) => follower.seen.get(id) !== 6),
        (missing) => missing.length === 0,
        20_000,
      )
      await follower.stop()
    }, 30_000)

    /** Reads as a gateway does: from the slack before the last read on. */
    function follow(): { seen: Map<string, number>; stop(): Promise<void> } {
      const seen = new Map<string, number>()
      let isStopped = false
      const run = async () => {
        let polledAt = await second.inbox.now()
        while (!isStopped) {
          const from = new Date(polledAt.getTime() - INBOX_SLACK_MS)
          polledAt = await second.inbox.now()
          const marks = await readChanges({ changedAt: from, sessionId: '' })
          const entries = await second.inbox.read(marks.map(({ sessionId }) => sessionId))
          for (const { session } of entries) seen.set(session.id, session.messageCount)
          await nextTurn()
        }
      }
      const running = run()
      return {
        seen,
        stop: async () => {
          isStopped = true
          await running
        },
      }
    }
  })

  describe('a list of all sessions', () => {
    const LIST: InboxList = { sort: 'startedAt', order: 'asc', limit: 3 }

    async function listAll(list: InboxList): Promise<string[]> {
      const { entries, next } = await second.inbox.list(list)
      expect(entries.length).toBeLessThanOrEqual(list.limit)
      const ids = entries.map(({ session }) => session.id)
      return next === undefined ? ids : [...ids, ...(await listAll({ ...list, after: next }))]
    }

    it('is sorted both ways by both times, in pages', async () => {
      const made = times(7, () => newSession())
      for (const session of made) await store.sessions.create(session)
      const from = made[0]?.startedAt
      const ids = made.map(({ id }) => id)
      for (const sort of ['startedAt', 'lastActivityAt'] as const) {
        expect(await listAll({ ...LIST, sort, from })).toEqual(ids)
        expect(await listAll({ ...LIST, sort, from, order: 'desc' })).toEqual([...ids].reverse())
      }
      expect(await listAll({ ...LIST, from, to: made[3]?.startedAt })).toEqual(ids.slice(0, 3))
    })

    it('is of one user, and of one status', async () => {
      const userId = newId()
      const ids: string[] = []
      for (let count = 0; count < 3; count++) {
        ids.push(await startSession(store, userId))
        if (count < 2) await endSession(store, ids.at(-1) ?? '')
      }
      expect(await listAll({ ...LIST, userId })).toEqual(ids)
      expect(await listAll({ ...LIST, userId, status: 'ended' })).toEqual(ids.slice(0, 2))
      expect(await listAll({ ...LIST, userId, status: 'active' })).toEqual(ids.slice(2))
    })

    it('refuses a cursor of another list, and what is none', async () => {
      for (let count = 0; count < 2; count++) await startSession(store)
      const { next } = await store.inbox.list({ ...LIST, limit: 1 })
      const bad = ['', 'x', 'bnVsbA', `${next}x`.repeat(9)]
      for (const after of bad) {
        await expect(store.inbox.list({ ...LIST, after })).rejects.toEqual(
          withCode('INVALID_FORMAT'),
        )
      }
      await expect(store.inbox.list({ ...LIST, order: 'desc', after: next })).rejects.toEqual(
        withCode('INVALID_FORMAT'),
      )
    })

    it('counts the ended ones, up to a limit', async () => {
      const before = await store.inbox.countEnded(1000)
      for (let count = 0; count < 3; count++) await endSession(store, await startSession(store))
      expect(await second.inbox.countEnded(1000)).toBe(before + 3)
      expect(await second.inbox.countEnded(2)).toBe(2)
    })
  })

  describe('read marks', () => {
    it('count the messages of the user, and never move back', async () => {
      const sessionId = await startSession(store)
      await store.messages.append(userEntry(sessionId))
      await store.messages.append(modelEntry(sessionId))
      await store.messages.append(userEntry(sessionId))
      const [operatorId, other] = [newId(), newId()]
      expect(await store.inbox.findReadMark(operatorId, sessionId)).toBeUndefined()
      await store.inbox.moveReadMark(operatorId, sessionId, 0)
      expect(await second.inbox.findReadMark(operatorId, sessionId)).toMatchObject({ seq: 0 })
      await store.inbox.moveReadMark(operatorId, sessionId, 2)
      await second.inbox.moveReadMark(operatorId, sessionId, 1)
      const mark = { operatorId, sessionId, seq: 2, userTexts: 1 }
      expect(await second.inbox.findReadMark(operatorId, sessionId)).toEqual(mark)
      expect(await second.inbox.findReadMark(other, sessionId)).toBeUndefined()
    })

    it('end at the highest of 20 that move at once', async () => {
      const sessionId = await startSession(store)
      for (let entries = 0; entries < 5; entries++) {
        await store.messages.append(userEntry(sessionId))
      }
      const operatorId = newId()
      await Promise.all(
        times(20, (i) =>
          (i % 2 ? store : second).inbox.moveReadMark(operatorId, sessionId, 1 + (i % 5)),
        ),
      )
      const mark = { operatorId, sessionId, seq: 5, userTexts: 5 }
      expect(await second.inbox.findReadMark(operatorId, sessionId)).toEqual(mark)
    })

    it('are listed by operator and by time, the latest first', async () => {
      const operatorId = 'olga@site.org'
      const since = await store.inbox.now()
      const ids = await Promise.all(times(3, () => startSession(store)))
      for (const id of ids) {
        await store.messages.append(userEntry(id))
        await store.inbox.moveReadMark(operatorId, id, 1)
      }
      const marks = await second.inbox.listReadMarks(operatorId, 10)
      expect(new Set(marks.map(({ sessionId }) => sessionId))).toEqual(new Set(ids))
      expect(await second.inbox.listReadMarks(operatorId, 2)).toHaveLength(2)
      const slack = new Date(since.getTime() - 1000)
      expect(await second.inbox.listMovedReadMarks(slack, 100)).toEqual(
        expect.arrayContaining(marks),
      )
      const later = new Date((await store.inbox.now()).getTime() + 60_000)
      expect(await second.inbox.listMovedReadMarks(later, 100)).toEqual([])
    })
  })
}
