import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ChatStore } from '@chatbox/core'
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
  type StoreHarness,
} from './chat-store.support.ts'

const unavailable = expect.objectContaining({ code: 'UNAVAILABLE', retryable: true })

/** What is read back, and the end of it all. */
export function describeReading(open: () => Promise<StoreHarness>): void {
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

  describe('readMessages', () => {
    let sessionId: string
    const seqs = async (range: Parameters<ChatStore['readMessages']>[1]) => {
      const { messages, hasMore } = await store.readMessages(sessionId, range)
      return [messages.map(({ seq }) => seq), hasMore]
    }
    beforeAll(async () => {
      sessionId = await startSession(store)
      for (let i = 0; i < 10; i++) await store.append(userEntry(sessionId))
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
      expect(await store.readMessages(newId(), { limit: 5 })).toEqual({
        messages: [],
        hasMore: false,
      })
    })
  })

  describe('openLog', () => {
    const openAt = async (sessionId: string, range: Parameters<ChatStore['openLog']>[1]) => {
      const opened = await second.openLog(sessionId, range)
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
      for (let i = 0; i < 10; i++) await store.append(userEntry(sessionId))
      const opened = await openAt(sessionId, range)
      expect(opened.session).toMatchObject({ lastSeq: 10, messageCount: 10, userName: 'Ada' })
      expect(opened.session).toEqual(await store.findSession(sessionId))
      expect(opened.page).toEqual(await store.readMessages(sessionId, range))
    })

    it('opens a session without entries', async () => {
      const session = newSession()
      await store.createSession(session)
      for (const range of [{ limit: 5 }, { afterSeq: 0, limit: 5 }, { afterSeq: 3, limit: 5 }]) {
        const opened = await openAt(session.id, range)
        expect(opened.page).toEqual({ messages: [], hasMore: false })
        expect(opened.session).toEqual(await store.findSession(session.id))
      }
    })

    it('finds nothing where there is no session', async () => {
      for (const afterSeq of [0, 1]) {
        expect(await store.openLog(newId(), { afterSeq, limit: 5 })).toBeUndefined()
      }
      expect(await store.openLog(newId(), { limit: 5 })).toBeUndefined()
    })

    it('is never behind what another instance has just stored', async () => {
      const sessionId = await startSession(store)
      for (let seq = 1; seq <= 20; seq++) {
        await store.append(userEntry(sessionId))
        const opened = await openAt(sessionId, { afterSeq: seq - 1, limit: 5 })
        expect([opened.seqs, opened.session.lastSeq]).toEqual([[seq], seq])
      }
    })

    it('rules an open question out only where there is none', async () => {
      const sessionId = await startSession(store)
      const mayHave = async () => (await openAt(sessionId, { limit: 5 })).mayHaveOpenReply
      expect(await mayHave()).toBe(false)
      const [one, two] = [await startReply(store, sessionId), await startReply(store, sessionId)]
      await finishReply(store, one)
      expect(await mayHave()).toBe(true)
      await finishReply(store, two, { status: 'failed' })
      await store.retryReply(retryOf(sessionId, two.replyId))
      expect(await mayHave()).toBe(true)
      const again = await store.claimReply(two, LEASE_MS)
      if (!again) throw new Error('a question that is asked again could not be claimed')
      await finishReply(store, again)
      expect(await store.findOpenReply(sessionId)).toBeUndefined()
      expect(await mayHave()).toBe(false)
    })
  })

  describe('findMessage', () => {
    it('finds nothing under another session', async () => {
      const sessionId = await startSession(store)
      const { message } = await store.append(userEntry(sessionId))
      expect(await store.findMessage(await startSession(store), message.id)).toBeUndefined()
      expect(await store.findMessage(sessionId, newId())).toBeUndefined()
    })
  })

  describe('conversation refs', () => {
    it('keeps one for each session and model', async () => {
      const [sessionId, other] = [await startSession(store), await startSession(store)]
      expect(await store.readConversationRef(sessionId, 'dify')).toBeUndefined()
      await store.saveConversationRef(sessionId, 'dify', 'first')
      await Promise.all(times(10, () => second.saveConversationRef(sessionId, 'dify', 'second')))
      await store.saveConversationRef(sessionId, 'dify-2', 'third')
      expect(await second.readConversationRef(sessionId, 'dify')).toBe('second')
      expect(await second.readConversationRef(sessionId, 'dify-2')).toBe('third')
      expect(await second.readConversationRef(other, 'dify')).toBeUndefined()
    })
  })

  describe('an entry that cannot be read', () => {
    it('is served as failed, and the rest of its log as it is', async () => {
      const sessionId = await startSession(store)
      const kept = await store.append(userEntry(sessionId))
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
      expect(await store.append(userEntry(sessionId))).toMatchObject({ appended: true })
    })
  })

  describe('close', () => {
    it('is idempotent, and every later call is refused', async () => {
      const third = await harness.openSecond()
      await third.ping()
      await Promise.all([third.close(), third.close()])
      await third.close()
      await expect(third.ping()).rejects.toEqual(unavailable)
      await expect(third.findSession(newId())).rejects.toEqual(unavailable)
      await expect(third.append(userEntry(newId()))).rejects.toEqual(unavailable)
      await store.ping()
    })
  })
}
