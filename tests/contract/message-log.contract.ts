import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { LogRange } from '@chatbox/core'
import { describeAppend } from './message-log.append.contract.ts'
import {
  LEASE_MS,
  answer,
  finishReply,
  newId,
  newSession,
  readAll,
  retryOf,
  startReply,
  startSession,
  times,
  userEntry,
  useStores,
  type StoreHarness,
} from './store.support.ts'

/** Every promise of `MessageLog`. */
export function describeMessageLog(open: () => Promise<StoreHarness>): void {
  describeAppend(open)

  let harness: StoreHarness
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ harness, store, second } = opened))

  describe('MessageLog.read', () => {
    let sessionId: string
    const seqs = async (range: LogRange) => {
      const { messages, hasMore } = await store.messages.read(sessionId, range)
      return [messages.map(({ seq }) => seq), hasMore]
    }
    beforeAll(async () => {
      sessionId = await startSession(store)
      for (let i = 0; i < 10; i++) await store.messages.append(userEntry(sessionId))
    })

    it.each([
      ['the latest page', { limit: 3 }, [8, 9, 10], true],
      ['all of it', { limit: 10 }, times(10, (i) => i + 1), false],
      ['the page before', { beforeSeq: 8, limit: 3 }, [5, 6, 7], true],
      ['the first page, backwards', { beforeSeq: 4, limit: 3 }, [1, 2, 3], false],
      ['nothing before the first', { beforeSeq: 1, limit: 3 }, [], false],
      ['what came after', { afterSeq: 8, limit: 3 }, [9, 10], false],
      ['the first page after', { afterSeq: 2, limit: 3 }, [3, 4, 5], true],
      ['from the beginning', { afterSeq: 0, limit: 2 }, [1, 2], true],
      ['nothing after the last', { afterSeq: 10, limit: 3 }, [], false],
    ])('reads %s', async (_, range, ...expected) => {
      expect(await seqs(range)).toEqual(expected)
    })

    it('is empty for an unknown session', async () => {
      expect(await store.messages.read(newId(), { limit: 5 })).toEqual({
        messages: [],
        hasMore: false,
      })
    })
  })

  describe('MessageLog.open', () => {
    const openAt = async (sessionId: string, range: LogRange) => {
      const opened = await second.messages.open(sessionId, range)
      if (!opened) throw new Error('the session is there')
      return { ...opened, seqs: opened.page.messages.map(({ seq }) => seq) }
    }

    it.each([
      ['the latest page', { limit: 3 }],
      ['all of it', { limit: 10 }],
      ['from the beginning', { afterSeq: 0, limit: 10 }],
      ['the first page after the beginning', { afterSeq: 0, limit: 3 }],
      ['as many as there are but one', { afterSeq: 0, limit: 9 }],
      ['what came after', { afterSeq: 8, limit: 3 }],
      ['what came after, to the very end', { afterSeq: 7, limit: 3 }],
      ['the first page after', { afterSeq: 2, limit: 3 }],
      ['nothing after the last', { afterSeq: 10, limit: 3 }],
      ['nothing after what is not there yet', { afterSeq: 12, limit: 3 }],
    ])('reads %s, and the session as it is after its newest entry', async (_, range) => {
      const sessionId = await startSession(store)
      for (let i = 0; i < 10; i++) await store.messages.append(userEntry(sessionId))
      const opened = await openAt(sessionId, range)
      expect(opened.session).toMatchObject({ lastSeq: 10, messageCount: 10, userName: 'Ada' })
      expect(opened.session).toEqual(await store.sessions.find(sessionId))
      expect(opened.page).toEqual(await store.messages.read(sessionId, range))
    })

    it('opens a session without entries', async () => {
      const session = newSession()
      await store.sessions.create(session)
      for (const range of [{ limit: 5 }, { afterSeq: 0, limit: 5 }, { afterSeq: 3, limit: 5 }]) {
        const opened = await openAt(session.id, range)
        expect(opened.page).toEqual({ messages: [], hasMore: false })
        expect(opened.session).toEqual(await store.sessions.find(session.id))
      }
    })

    it('finds nothing where there is no session', async () => {
      for (const afterSeq of [0, 1]) {
        expect(await store.messages.open(newId(), { afterSeq, limit: 5 })).toBeUndefined()
      }
      expect(await store.messages.open(newId(), { limit: 5 })).toBeUndefined()
    })

    it('is never behind what another instance has just stored', async () => {
      const sessionId = await startSession(store)
      for (let seq = 1; seq <= 20; seq++) {
        await store.messages.append(userEntry(sessionId))
        const opened = await openAt(sessionId, { afterSeq: seq - 1, limit: 5 })
        expect([opened.seqs, opened.session.lastSeq]).toEqual([[seq], seq])
      }
    })

    it('rules an open question out only where there is none', async () => {
      const sessionId = await startSession(store)
      const mayHave = async () => (await openAt(sessionId, { limit: 5 })).mayHaveOpenTask
      expect(await mayHave()).toBe(false)
      const [one, two] = [await startReply(store, sessionId), await startReply(store, sessionId)]
      await finishReply(store, one)
      expect(await mayHave()).toBe(true)
      await finishReply(store, two, { status: 'failed' })
      await store.replies.retry(retryOf(sessionId, two.replyId))
      expect(await mayHave()).toBe(true)
      const again = await store.replies.claim(two, LEASE_MS)
      if (!again) throw new Error('a question that is asked again could not be claimed')
      await finishReply(store, again)
      expect(await store.replies.findOpen(sessionId)).toBeUndefined()
      expect(await mayHave()).toBe(false)
    })
  })

  describe('a page of at most so much text', () => {
    const MAX_LENGTH = 100
    // Of emoji, each of which has two units.
    const LENGTHS = [0, 40, 60, 2, 100, 102, 0, 0, 30, 300, 20, 20, 20, 20, 20, 20, 2]
    const ALL = times(LENGTHS.length, (index) => index + 1)
    let sessionId: string
    beforeAll(async () => {
      sessionId = await startSession(store)
      for (const length of LENGTHS) {
        await store.messages.append(userEntry(sessionId, { content: '🙂'.repeat(length / 2) }))
      }
    })

    /** What fits of all that a range asks for, at the end where the reader is. */
    function fitting({ afterSeq, beforeSeq = Infinity, limit }: LogRange): [number[], boolean] {
      const forward = ALL.filter((seq) => seq > (afterSeq ?? 0) && seq < beforeSeq)
      const seqs = afterSeq === undefined ? forward.toReversed() : forward
      const fits = seqs.slice(0, limit).filter((_, index, { length }) => {
        const sum = seqs.slice(0, index + 1).reduce((total, seq) => total + at(seq), 0)
        return length > 0 && (index === 0 || sum <= MAX_LENGTH)
      })
      const kept = afterSeq === undefined ? fits.toReversed() : fits
      return [kept, fits.length < seqs.length]
    }
    const at = (seq: number) => LENGTHS[seq - 1] ?? 0

    it('holds whole entries next to the reader, at least one, and says that there is more', async () => {
      const bounds: Omit<LogRange, 'limit'>[] = [
        {},
        ...[0, ...ALL].flatMap((seq) => [{ afterSeq: seq }, { beforeSeq: seq }]),
      ]
      const ranges = [1, 3, 5, 50].flatMap((limit) => bounds.map((bound) => ({ ...bound, limit })))
      for (const range of ranges.map((one) => ({ ...one, maxLength: MAX_LENGTH }))) {
        const page = await store.messages.read(sessionId, range)
        expect([page.messages.map(({ seq }) => seq), page.hasMore]).toEqual(fitting(range))
        if (range.beforeSeq !== undefined) continue
        const opened = await second.messages.open(sessionId, range)
        expect(opened?.page).toEqual(page)
        expect(opened?.session.lastSeq).toBe(ALL.length)
      }
    })

    it('costs the decryption of what it holds, and of no entry behind the next one', async () => {
      const longId = await startSession(store)
      for (let index = 0; index < 60; index++) {
        await store.messages.append(userEntry(longId, { content: 'x'.repeat(30) }))
      }
      const reads: [reads: () => Promise<unknown>, most: number][] = [
        [() => store.messages.read(longId, { limit: 50, maxLength: MAX_LENGTH }), 4],
        [() => store.messages.read(longId, { afterSeq: 5, limit: 50, maxLength: MAX_LENGTH }), 4],
        [() => store.messages.read(longId, { limit: 50 }), 50],
        // The texts of the session besides.
        [() => store.messages.open(longId, { limit: 50, maxLength: MAX_LENGTH }), 4 + 2],
        [() => store.messages.open(longId, { afterSeq: 5, limit: 50, maxLength: 100 }), 4 + 4],
      ]
      for (const [read, most] of reads) {
        const before = harness.countOpened?.() ?? 0
        await read()
        expect((harness.countOpened?.() ?? 0) - before).toBeLessThanOrEqual(most)
      }
    })
  })

  describe('MessageLog.find', () => {
    it('finds nothing under another session', async () => {
      const sessionId = await startSession(store)
      const { message } = await store.messages.append(userEntry(sessionId))
      expect(await store.messages.find(await startSession(store), message.id)).toBeUndefined()
      expect(await store.messages.find(sessionId, newId())).toBeUndefined()
    })
  })

  describe('an entry that cannot be read', () => {
    it('is served as failed, and the rest of its log as it is', async () => {
      const sessionId = await startSession(store)
      const kept = await store.messages.append(userEntry(sessionId))
      const a = await answer(store, sessionId)
      const b = await answer(store, sessionId)
      await harness.swapSealed(a.replyId, b.replyId)
      const log = await readAll(store, sessionId)
      expect(log.map(({ status }) => status)).toEqual([
        'complete',
        'complete',
        'failed',
        'complete',
        'failed',
      ])
      expect(log[0]).toEqual(kept.message)
      expect(log[2]).toMatchObject({
        id: a.replyId,
        seq: 3,
        content: '',
        replyTo: a.messageId,
        sender: { type: 'ai', id: 'demo', name: '' },
        error: { code: 'INTERNAL', message: 'This message cannot be read.' },
      })
      expect(await store.messages.append(userEntry(sessionId))).toMatchObject({ appended: true })
    })
  })
}
