import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ChatStore } from '@chatbox/core'
import {
  answer,
  newId,
  readAll,
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
