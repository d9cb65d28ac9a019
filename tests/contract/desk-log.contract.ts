import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import { EMPTY_DESK, type DeskAction, type DeskEntry } from '@chatbox/contract'
import type { NewDeskEntry } from '@chatbox/core'
import {
  endSession,
  eventually,
  modelEntry,
  newId,
  newNote,
  nextTime,
  startSession,
  times,
  untilStored,
  userEntry,
  useStores,
  withCode,
  type StoreHarness,
} from './store.support.ts'

const OLGA = { id: 'olga', name: 'Olga' }
const NEVER = '2100-01-01T00:00:00.000Z'

/** Every promise of `DeskLog`. */
export function describeDeskLog(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  const toEntry = (sessionId: string, action: DeskAction): NewDeskEntry =>
    newNote(sessionId, { action })
  const append = (sessionId: string, action: DeskAction) =>
    store.desks.append(toEntry(sessionId, action))
  const inboxDesk = async (sessionId: string) => (await second.inbox.read([sessionId]))[0]?.desk

  async function readAllEntries(sessionId: string, limit = 200): Promise<DeskEntry[]> {
    const entries: DeskEntry[] = []
    for (;;) {
      const page = await second.desks.open(sessionId, { afterSeq: entries.length, limit })
      entries.push(...(page?.entries ?? []))
      if (!page?.hasMore) return entries
    }
  }

  describe('DeskLog', () => {
    it('has each action as it was written, and the desk after it, also in the inbox', async () => {
      const sessionId = await startSession(store)
      const actions: DeskAction[] = [
        { type: 'note', text: 'Wants a refund', mentions: ['paul', 'a/b'] },
        { type: 'assigned', to: OLGA },
        { type: 'tagged', tags: ['bug', 'vip'] },
        { type: 'prioritized', priority: 'urgent' },
        { type: 'snoozed', until: NEVER },
        { type: 'summary', text: 'They talked', upToSeq: 0 },
        { type: 'draft_used', outcome: 'edited' },
      ]
      const appended = []
      for (const action of actions) appended.push(await append(sessionId, action))
      const desk = {
        ...{ seq: 7, assignee: OLGA, tags: ['bug', 'vip'] },
        ...{ priority: 'urgent', snoozedUntil: NEVER },
      }
      expect(appended.at(-1)?.desk).toEqual(desk)
      const opened = await second.desks.open(sessionId, { limit: 10 })
      expect(opened).toEqual({
        ...{ desk, hasMore: false },
        entries: appended.map(({ entry }) => entry),
      })
      expect(opened?.entries.map(({ action }) => action)).toEqual(actions)
      expect(opened?.entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7])
      expect(await inboxDesk(sessionId)).toEqual(desk)
      await append(sessionId, { type: 'assigned', to: null })
      await append(sessionId, { type: 'snoozed', until: null })
      expect(await inboxDesk(sessionId)).toMatchObject({ assignee: null, snoozedUntil: null })
    })

    it('is empty where no operator has written, and not there without its session', async () => {
      const sessionId = await startSession(store)
      const empty = { desk: EMPTY_DESK, entries: [], hasMore: false }
      expect(await second.desks.open(sessionId, { limit: 5 })).toEqual(empty)
      for (const id of [newId(), '$ne', '{"$ne":null}']) {
        expect(await second.desks.open(id, { limit: 5 })).toBeUndefined()
        await expect(store.desks.append(newNote(id))).rejects.toEqual(withCode('NOT_FOUND'))
      }
    })

    it('is read by the cursor of the log of messages', async () => {
      const sessionId = await startSession(store)
      for (let count = 0; count < 7; count++) await store.desks.append(newNote(sessionId))
      const seqs = async (range: { afterSeq?: number; limit: number; maxLength?: number }) => {
        const page = await second.desks.open(sessionId, range)
        return [page?.entries.map(({ seq }) => seq), page?.hasMore]
      }
      expect(await seqs({ limit: 3 })).toEqual([[5, 6, 7], true])
      expect(await seqs({ limit: 7 })).toEqual([[1, 2, 3, 4, 5, 6, 7], false])
      expect(await seqs({ afterSeq: 0, limit: 3 })).toEqual([[1, 2, 3], true])
      expect(await seqs({ afterSeq: 4, limit: 3 })).toEqual([[5, 6, 7], false])
      expect(await seqs({ afterSeq: 7, limit: 3 })).toEqual([[], false])
      const length = 'Wants a refund'.length
      expect(await seqs({ limit: 7, maxLength: 2 * length })).toEqual([[6, 7], true])
      expect(await seqs({ afterSeq: 0, limit: 7, maxLength: 1 })).toEqual([[1], true])
    })

    it('takes an entry once, however often it is sent', async () => {
      const sessionId = await startSession(store)
      const entry = toEntry(sessionId, { type: 'snoozed', until: NEVER })
      const first = await store.desks.append(entry)
      expect(first.appended).toBe(true)
      await store.desks.append(newNote(sessionId))
      const again = await second.desks.append({ ...entry, at: nextTime() })
      expect(again).toMatchObject({ entry: first.entry, appended: false, desk: { seq: 2 } })
      // Also where it would be refused by now.
      await endSession(store, sessionId)
      const late = await second.desks.append({ ...entry, at: '2200-01-01T00:00:00.000Z' })
      expect(late).toMatchObject({ entry: first.entry, appended: false })
      const other = await startSession(store)
      const stolen = store.desks.append({ ...entry, sessionId: other })
      await expect(stolen).rejects.toEqual(withCode('CONFLICT'))
      expect(await readAllEntries(sessionId)).toHaveLength(2)
      expect(await readAllEntries(other)).toEqual([])
    })

    it('is dense and loses nothing of 50 operators in two processes', async () => {
      const sessionId = await startSession(store)
      const sent = await Promise.all(
        times(50, async (index) => {
          const entry = newNote(sessionId, {
            ...{ by: { id: `op-${index}`, name: `Op ${index}` } },
            action: { type: 'note', text: `Note ${index}`, mentions: [] },
          })
          const writer = index % 2 ? store : second
          return (await untilStored(() => writer.desks.append(entry))).entry
        }),
      )
      const log = await readAllEntries(sessionId, 7)
      expect(log.map(({ seq }) => seq)).toEqual(times(50, (index) => index + 1))
      expect(log).toEqual(sent.toSorted((a, b) => a.seq - b.seq))
      expect(await inboxDesk(sessionId)).toMatchObject({ seq: 50 })
    })

    it('leaves the log of messages alone, and the messages leave it alone', async () => {
      const sessionId = await startSession(store)
      await store.messages.append(userEntry(sessionId))
      const before = await store.sessions.find(sessionId)
      await append(sessionId, { type: 'assigned', to: OLGA })
      expect(await second.sessions.find(sessionId)).toEqual(before)
      const { message } = await store.messages.append(modelEntry(sessionId))
      expect(message.seq).toBe(2)
      const entry = await eventually(
        async () => (await second.inbox.read([sessionId]))[0],
        (found) => found?.session.lastSeq === 2,
      )
      expect(entry?.desk).toMatchObject({ seq: 1, assignee: OLGA })
    })

    it('moves the place of its session among the changes', async () => {
      const sessionId = await startSession(store)
      const changedAt = async () => (await second.inbox.read([sessionId]))[0]?.changedAt ?? ''
      const before = await changedAt()
      // A clock that counts in milliseconds has to go on.
      await eventually(
        () => store.inbox.now(),
        (now) => now.getTime() > Date.parse(before) + 1,
      )
      await append(sessionId, { type: 'prioritized', priority: 'high' })
      expect((await changedAt()) > before).toBe(true)
      const marks = await second.inbox.listChanges({ changedAt: new Date(before), sessionId }, 1000)
      expect(marks.map((mark) => mark.sessionId)).toContain(sessionId)
    })

    it('goes on after the end of its session, but for a snooze', async () => {
      const sessionId = await startSession(store)
      await endSession(store, sessionId)
      await store.desks.append(newNote(sessionId))
      await append(sessionId, { type: 'tagged', tags: ['bug'] })
      const snoozed = append(sessionId, { type: 'snoozed', until: NEVER })
      await expect(snoozed).rejects.toEqual(withCode('SESSION_ENDED'))
      await append(sessionId, { type: 'snoozed', until: null })
      expect(await readAllEntries(sessionId)).toHaveLength(3)
    })
  })

  describe('a snooze', () => {
    it('into the past is refused', async () => {
      const sessionId = await startSession(store)
      const at = nextTime()
      const entry = newNote(sessionId, { at, action: { type: 'snoozed', until: at } })
      await expect(store.desks.append(entry)).rejects.toMatchObject({
        ...{ code: 'INVALID_FORMAT', message: expect.stringContaining('"action.until"') },
      })
      expect(await readAllEntries(sessionId)).toEqual([])
    })

    it('ends with the next message of the user, and not with one before it', async () => {
      const sessionId = await startSession(store)
      // The stored copy of the session may be behind this one.
      await store.messages.append(userEntry(sessionId))
      await append(sessionId, { type: 'snoozed', until: NEVER })
      await store.messages.append(modelEntry(sessionId))
      const snoozed = await eventually(
        async () => (await second.inbox.read([sessionId]))[0],
        (found) => found?.session.lastSeq === 2,
      )
      expect(snoozed?.desk.snoozedUntil).toBe(NEVER)
      await store.messages.append(userEntry(sessionId))
      const awake = await eventually(
        async () => (await second.inbox.read([sessionId]))[0],
        (found) => found?.session.lastSeq === 3,
      )
      expect(awake?.desk.snoozedUntil).toBeNull()
      expect((await second.desks.open(sessionId, { limit: 1 }))?.desk.snoozedUntil).toBeNull()
      await append(sessionId, { type: 'snoozed', until: NEVER })
      expect(await inboxDesk(sessionId)).toMatchObject({ snoozedUntil: NEVER })
    })
  })

  describe('a draft', () => {
    it('is one for each operator and session, and the last one', async () => {
      const [sessionId, other] = [await startSession(store), await startSession(store)]
      const key = { sessionId, operatorId: 'a/b@site.org' }
      expect(await store.desks.findDraft(key)).toBe('')
      await store.desks.saveDraft(key, 'Hel')
      await second.desks.saveDraft(key, 'Hello')
      await store.desks.saveDraft({ sessionId, operatorId: 'paul' }, 'Bonjour')
      expect(await store.desks.findDraft(key)).toBe('Hello')
      expect(await second.desks.findDraft({ ...key, operatorId: 'paul' })).toBe('Bonjour')
      expect(await second.desks.findDraft({ ...key, sessionId: other })).toBe('')
      await second.desks.saveDraft(key, '')
      expect(await store.desks.findDraft(key)).toBe('')
      expect(await store.desks.findDraft({ ...key, operatorId: 'paul' })).toBe('Bonjour')
      const lost = store.desks.saveDraft({ ...key, sessionId: newId() }, 'Hello')
      await expect(lost).rejects.toEqual(withCode('NOT_FOUND'))
    })

    it('is written at once from two processes', async () => {
      const key = { sessionId: await startSession(store), operatorId: 'olga' }
      await Promise.all(
        times(10, (index) => (index % 2 ? store : second).desks.saveDraft(key, `Draft ${index}`)),
      )
      expect(await store.desks.findDraft(key)).toMatch(/^Draft \d$/)
    })

    it('ends with its session', async () => {
      const sessionId = await startSession(store)
      const keys = ['olga', 'paul'].map((operatorId) => ({ sessionId, operatorId }))
      for (const key of keys) await store.desks.saveDraft(key, 'Hello')
      await endSession(store, sessionId)
      for (const key of keys) {
        const left = () => second.desks.findDraft(key)
        expect(await eventually(left, (draft) => draft === '')).toBe('')
        const late = second.desks.saveDraft(key, 'Hello')
        await expect(late).rejects.toEqual(withCode('SESSION_ENDED'))
        expect(await store.desks.findDraft(key)).toBe('')
        await store.desks.saveDraft(key, '')
      }
    })
  })
}
