import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import {
  LEASE_MS,
  endSession,
  eventEntry,
  finishReply,
  modelEntry,
  newId,
  newOutcome,
  questionEntry,
  readAll,
  replyEntry,
  startReply,
  startSession,
  times,
  untilStored,
  userEntry,
  withCode,
  useStores,
  type StoreHarness,
} from './store.support.ts'

/** The log under concurrent writers: dense, without doubles, and its own state machine. */
export function describeAppend(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  describe('MessageLog.prepareAppend', () => {
    it('changes nothing about where the next entry goes', async () => {
      const sessionId = await startSession(store)
      await store.messages.prepareAppend(sessionId)
      for (let seq = 1; seq <= 9; seq += 3) {
        expect((await store.messages.append(userEntry(sessionId))).message.seq).toBe(seq)
        expect((await second.messages.append(userEntry(sessionId))).message.seq).toBe(seq + 1)
        if (seq === 4) await store.messages.prepareAppend(sessionId)
        expect((await store.messages.append(userEntry(sessionId))).message.seq).toBe(seq + 2)
      }
      expect((await store.sessions.find(sessionId))?.messageCount).toBe(9)
    })

    it('leaves a session ended that another instance has ended', async () => {
      const sessionId = await startSession(store)
      await store.messages.append(userEntry(sessionId))
      await endSession(second, sessionId)
      const entry = userEntry(sessionId)
      await expect(store.messages.append(entry)).rejects.toEqual(withCode('SESSION_ENDED'))
      await store.messages.prepareAppend(sessionId)
      await expect(store.messages.append(entry)).rejects.toEqual(withCode('SESSION_ENDED'))
      await store.messages.prepareAppend(newId())
    })
  })

  describe('MessageLog.append', () => {
    it('stores every field and gives it back', async () => {
      const sessionId = await startSession(store)
      const entry = userEntry(sessionId, {
        kind: 'file',
        content: 'Größe: 漢字 👩‍👩‍👧‍👦 \u0000 "quoted" \\ $set {"a":1}',
        attachments: [
          { id: newId(), name: 'bill.pdf', mediaType: 'application/pdf', bytes: 12, url: '/f' },
        ],
      })
      const { message, session, appended } = await store.messages.append(entry)
      expect(appended).toBe(true)
      expect(message).toEqual({ ...entry.message, seq: 1 })
      expect(session).toEqual(await second.sessions.find(sessionId))
      expect(await second.messages.find(sessionId, message.id)).toEqual(message)
      expect((await second.messages.read(sessionId, { limit: 1 })).messages).toEqual([message])
    })

    it('keeps error, usage and event', async () => {
      const sessionId = await startSession(store)
      const reply = await startReply(store, sessionId)
      const error = {
        code: 'LLM_TIMEOUT',
        message: 'Too slow.',
        retryable: true,
        requestId: 'r1',
      } as const
      const { message } = await store.messages.append(
        replyEntry(reply, newOutcome({ status: 'failed', error })),
      )
      expect(await second.messages.find(sessionId, message.id)).toMatchObject({
        error,
        usage: { totalTokens: 8 },
        replyTo: reply.messageId,
      })
      const help = { type: 'help_requested', note: 'My order is lost' } as const
      await store.messages.append(eventEntry(sessionId, help))
      expect(await second.sessions.find(sessionId)).toMatchObject({ help: { note: help.note } })
      expect((await readAll(second, sessionId)).at(-1)?.event).toEqual(help)
    })

    it('refuses an unknown session', async () => {
      await expect(store.messages.append(userEntry(newId()))).rejects.toEqual(withCode('NOT_FOUND'))
    })

    it('refuses what could not be read back', async () => {
      const sessionId = await startSession(store)
      const lone = userEntry(sessionId, { content: 'half a pair: \ud83d' })
      await expect(store.messages.append(lone)).rejects.toEqual(withCode('INVALID_FORMAT'))
      expect(await readAll(store, sessionId)).toEqual([])
    })

    it('refuses an id that an entry of another session has', async () => {
      const { message } = await store.messages.append(userEntry(await startSession(store)))
      const other = await startSession(store)
      await expect(store.messages.append(userEntry(other, { id: message.id }))).rejects.toEqual(
        withCode('CONFLICT'),
      )
    })

    it('answers a repetition with the first entry, also with another body or after an end', async () => {
      const sessionId = await startSession(store)
      const entry = questionEntry(sessionId)
      const { message } = await store.messages.append(entry)
      const other = { ...entry, message: { ...entry.message, content: 'other' } }
      for (const repeated of [entry, other]) {
        expect(await second.messages.append(repeated)).toMatchObject({ appended: false, message })
      }
      const end = eventEntry(sessionId, { type: 'session_ended', reason: 'user' })
      const ended = await store.messages.append(end)
      for (const repeated of [entry, other]) {
        expect(await second.messages.append(repeated)).toEqual({
          appended: false,
          message,
          session: ended.session,
        })
      }
      expect(await second.messages.append(end)).toMatchObject({
        appended: false,
        message: ended.message,
      })
      expect(await readAll(store, sessionId)).toHaveLength(2)
    })

    it('lets 50 concurrent senders of one message store it once', async () => {
      const sessionId = await startSession(store)
      const id = newId()
      const results = await Promise.all(
        times(50, (i) =>
          (i % 2 ? store : second).messages.append(
            questionEntry(sessionId, { id, content: `body ${i}` }),
          ),
        ),
      )
      expect(results.filter(({ appended }) => appended)).toHaveLength(1)
      expect(new Set(results.map(({ message }) => message.content)).size).toBe(1)
      expect(await readAll(store, sessionId)).toHaveLength(1)
    })

    it('gives 20 writers of 25 messages a dense log in which each keeps its order', async () => {
      const sessionId = await startSession(store)
      await Promise.all(
        times(20, async (writer) => {
          for (let i = 0; i < 25; i++) {
            const over = { content: `${writer}:${i}` }
            const entry = userEntry(sessionId, over)
            await untilStored(() => (writer % 2 ? store : second).messages.append(entry))
          }
        }),
      )
      const log = await readAll(second, sessionId)
      expect(log.map(({ seq }) => seq)).toEqual(times(500, (i) => i + 1))
      for (let writer = 0; writer < 20; writer++) {
        const own = log.filter(({ content }) => content.startsWith(`${writer}:`))
        expect(own.map(({ content }) => content)).toEqual(times(25, (i) => `${writer}:${i}`))
      }
      expect(await store.sessions.find(sessionId)).toMatchObject({
        lastSeq: 500,
        messageCount: 500,
      })
    })

    it('keeps counts, usage and response times exact under concurrent writers', async () => {
      const sessionId = await startSession(store)
      await Promise.all(
        times(30, (i) => {
          const usage = { promptTokens: 2, completionTokens: 3, totalTokens: 5 }
          return (i % 2 ? store : second).messages.append({
            ...modelEntry(sessionId, { usage }),
            responseTimeMs: 100 + i,
          })
        }),
      )
      expect(await second.sessions.find(sessionId)).toMatchObject({
        messageCount: 30,
        usage: { promptTokens: 60, completionTokens: 90, totalTokens: 150 },
        responseTimeMs: { avg: Math.round(100 + 29 / 2), max: 129 },
      })
    })

    it('stores nothing after an end, whatever runs at the same time', async () => {
      const sessionId = await startSession(store)
      const results = await Promise.allSettled(
        times(40, (i) =>
          (i % 2 ? store : second).messages.append(
            i === 20
              ? eventEntry(sessionId, { type: 'session_ended', reason: 'user' })
              : userEntry(sessionId),
          ),
        ),
      )
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toEqual(withCode('SESSION_ENDED'))
      }
      const log = await readAll(store, sessionId)
      expect(log.at(-1)?.event).toMatchObject({ type: 'session_ended' })
      expect(log).toHaveLength(results.filter(({ status }) => status === 'fulfilled').length)
      await expect(second.messages.append(userEntry(sessionId))).rejects.toEqual(
        withCode('SESSION_ENDED'),
      )
    })

    it('keeps every word of the model out after a takeover', async () => {
      const sessionId = await startSession(store)
      const by = { id: 'operator', name: 'Grace' }
      await Promise.allSettled(
        times(40, (i) =>
          (i % 2 ? store : second).messages.append(
            i === 20
              ? eventEntry(sessionId, { type: 'takeover_started', by })
              : modelEntry(sessionId),
          ),
        ),
      )
      await expect(store.messages.append(modelEntry(sessionId))).rejects.toEqual(
        withCode('CONFLICT'),
      )
      await expect(second.messages.append(modelEntry(sessionId))).rejects.toEqual(
        withCode('CONFLICT'),
      )
      expect((await readAll(store, sessionId)).at(-1)?.event).toMatchObject({ by })
      expect(await second.sessions.find(sessionId)).toMatchObject({ assistedBy: by })
      const asked = await store.messages.append(questionEntry(sessionId))
      expect(asked.appended).toBe(true)
      expect(await second.replies.findOpen(sessionId)).toBeUndefined()
    })

    it('asks at a hand-back about what nobody has answered, with the entry itself', async () => {
      const sessionId = await startSession(store)
      const by = { id: 'operator', name: 'Grace' }
      const end = () => eventEntry(sessionId, { type: 'takeover_ended', by })
      await store.messages.append(eventEntry(sessionId, { type: 'takeover_started', by }))
      await store.messages.append(questionEntry(sessionId))
      const back = { ...end(), replyId: newId(), lane: 'lane' }
      for (const at of [store, second]) await at.messages.append(back)
      const open = await second.replies.findOpen(sessionId)
      const messageId = back.message.id
      expect(open).toMatchObject({ messageId, questionSeq: 3, replyId: back.replyId, lane: 'lane' })
      await store.messages.append(eventEntry(sessionId, { type: 'takeover_started', by }))
      await second.replies.cancel(sessionId, 'all')
      const again = { ...end(), replyId: newId() }
      await second.messages.append(again)
      const claim = await store.replies.claim({ sessionId, messageId: again.message.id }, LEASE_MS)
      if (!claim) throw new Error('nothing was asked again')
      await finishReply(store, claim)
      await store.messages.append(eventEntry(sessionId, { type: 'takeover_started', by }))
      await store.messages.append({ ...end(), replyId: newId() })
      expect(await second.replies.findOpen(sessionId)).toBeUndefined()
    })

    it('refuses an entry that expects another end of the log', async () => {
      const sessionId = await startSession(store)
      await store.messages.append(userEntry(sessionId))
      const end = eventEntry(sessionId, { type: 'session_ended', reason: 'idle' })
      await second.messages.append(userEntry(sessionId))
      await expect(store.messages.append({ ...end, expectedSeq: 1 })).rejects.toEqual(
        withCode('CONFLICT'),
      )
      expect(await store.messages.append({ ...end, expectedSeq: 2 })).toMatchObject({
        appended: true,
      })
    })

    it('sees a state that another instance has just changed', async () => {
      const sessionId = await startSession(store)
      const by = { id: 'operator', name: 'Grace' }
      for (let round = 0; round < 5; round++) {
        await store.messages.append(eventEntry(sessionId, { type: 'takeover_started', by }))
        await second.messages.append(eventEntry(sessionId, { type: 'takeover_ended', by }))
      }
      expect(await store.sessions.find(sessionId)).toMatchObject({ lastSeq: 10, assistedBy: null })
    })
  })
}
