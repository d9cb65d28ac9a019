import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sessionSchema } from '@chatbox/contract'
import type { ChatStore } from '@chatbox/core'
import {
  answer,
  eventEntry,
  eventually,
  newId,
  newSession,
  nextTime,
  questionEntry,
  readAll,
  replyEntry,
  newOutcome,
  startReply,
  startSession,
  times,
  userEntry,
  type StoreHarness,
} from './chat-store.support.ts'

const unavailable = expect.objectContaining({ code: 'UNAVAILABLE', retryable: true })
const withCode = (code: string) => expect.objectContaining({ code })

/** Sessions and logs: what every `ChatStore` promises, whatever is behind it. */
export function describeChatStoreLog(open: () => Promise<StoreHarness>): void {
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
        times(50, (i) => (i % 2 ? store : second).createSession(newSession(userId))),
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

  describe('append', () => {
    it('stores every field and gives it back', async () => {
      const sessionId = await startSession(store)
      const entry = userEntry(sessionId, {
        kind: 'file',
        content: 'Größe: 漢字 👩‍👩‍👧‍👦 \u0000 "quoted" \\ $set {"a":1}',
        attachments: [
          { id: newId(), name: 'bill.pdf', mediaType: 'application/pdf', bytes: 12, url: '/f' },
        ],
      })
      const { message, session, appended } = await store.append(entry)
      expect(appended).toBe(true)
      expect(message).toEqual({ ...entry.message, seq: 1 })
      expect(session).toEqual(await second.findSession(sessionId))
      expect(await second.findMessage(sessionId, message.id)).toEqual(message)
      expect((await second.readMessages(sessionId, { limit: 1 })).messages).toEqual([message])
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
      const { message } = await store.append(
        replyEntry(reply, newOutcome({ status: 'failed', error })),
      )
      expect(await second.findMessage(sessionId, message.id)).toMatchObject({
        error,
        usage: { totalTokens: 8 },
        replyTo: reply.messageId,
      })
      const help = { type: 'help_requested', note: 'My order is lost' } as const
      await store.append(eventEntry(sessionId, help))
      expect(await second.findSession(sessionId)).toMatchObject({ help: { note: help.note } })
      expect((await readAll(second, sessionId)).at(-1)?.event).toEqual(help)
    })

    it('refuses an unknown session', async () => {
      await expect(store.append(userEntry(newId()))).rejects.toEqual(withCode('NOT_FOUND'))
    })

    it('refuses what could not be read back', async () => {
      const sessionId = await startSession(store)
      const lone = userEntry(sessionId, { content: 'half a pair: \ud83d' })
      await expect(store.append(lone)).rejects.toEqual(withCode('INVALID_FORMAT'))
      expect(await readAll(store, sessionId)).toEqual([])
    })

    it('refuses an id that an entry of another session has', async () => {
      const { message } = await store.append(userEntry(await startSession(store)))
      const other = await startSession(store)
      await expect(store.append(userEntry(other, { id: message.id }))).rejects.toEqual(
        withCode('CONFLICT'),
      )
    })

    it('answers a repetition with the first entry, also with another body or after an end', async () => {
      const sessionId = await startSession(store)
      const entry = questionEntry(sessionId)
      const { message } = await store.append(entry)
      const { clientMessageId = '' } = message
      const sameId = { ...entry, message: { ...entry.message, content: 'other' } }
      const sameKey = questionEntry(sessionId, { clientMessageId, content: 'other' })
      for (const repeated of [entry, sameId, sameKey]) {
        expect(await second.append(repeated)).toMatchObject({ appended: false, message })
      }
      const end = eventEntry(sessionId, { type: 'session_ended', reason: 'user' })
      const ended = await store.append(end)
      for (const repeated of [entry, sameKey]) {
        expect(await second.append(repeated)).toEqual({
          appended: false,
          message,
          session: ended.session,
        })
      }
      expect(await second.append(end)).toMatchObject({ appended: false, message: ended.message })
      expect(await readAll(store, sessionId)).toHaveLength(2)
    })

    it('keeps equal client ids of two sessions apart', async () => {
      const clientMessageId = newId()
      const [a, b] = [await startSession(store), await startSession(store)]
      expect(await store.append(userEntry(a, { clientMessageId }))).toMatchObject({
        appended: true,
      })
      expect(await store.append(userEntry(b, { clientMessageId }))).toMatchObject({
        appended: true,
      })
    })

    it('lets no client id stand for an entry that has none', async () => {
      const sessionId = await startSession(store)
      const { message } = await store.append(eventEntry(sessionId, { type: 'help_resolved' }))
      const copy = userEntry(sessionId, { clientMessageId: message.id })
      expect(await store.append(copy)).toMatchObject({ appended: true })
    })

    it('lets 50 concurrent senders of one message store it once', async () => {
      const sessionId = await startSession(store)
      const clientMessageId = newId()
      const results = await Promise.all(
        times(50, (i) =>
          (i % 2 ? store : second).append(
            questionEntry(sessionId, { clientMessageId, content: `body ${i}` }),
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
            await (writer % 2 ? store : second).append(userEntry(sessionId, over))
          }
        }),
      )
      const log = await readAll(second, sessionId)
      expect(log.map(({ seq }) => seq)).toEqual(times(500, (i) => i + 1))
      for (let writer = 0; writer < 20; writer++) {
        const own = log.filter(({ content }) => content.startsWith(`${writer}:`))
        expect(own.map(({ content }) => content)).toEqual(times(25, (i) => `${writer}:${i}`))
      }
      expect(await store.findSession(sessionId)).toMatchObject({ lastSeq: 500, messageCount: 500 })
    })

    it('lets 50 concurrent writers of two instances all succeed', async () => {
      const sessionId = await startSession(store)
      const results = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).append(userEntry(sessionId))),
      )
      expect(results.every(({ appended }) => appended)).toBe(true)
      const seqs = results.map(({ message }) => message.seq).sort((a, b) => a - b)
      expect(seqs).toEqual(times(50, (i) => i + 1))
    })

    it('keeps counts, usage and response times exact under concurrent writers', async () => {
      const sessionId = await startSession(store)
      await Promise.all(
        times(30, (i) => {
          const usage = { promptTokens: 2, completionTokens: 3, totalTokens: 5 }
          const { clientMessageId, ...message } = userEntry(sessionId).message
          const sender = { type: 'ai', id: 'demo', name: 'demo' } as const
          return (i % 2 ? store : second).append({
            message: { ...message, sender, usage },
            responseTimeMs: 100 + i,
          })
        }),
      )
      expect(await second.findSession(sessionId)).toMatchObject({
        messageCount: 30,
        usage: { promptTokens: 60, completionTokens: 90, totalTokens: 150 },
        responseTimeMs: { avg: Math.round(100 + 29 / 2), max: 129 },
      })
    })

    it('stores nothing after an end, whatever runs at the same time', async () => {
      const sessionId = await startSession(store)
      const results = await Promise.allSettled(
        times(40, (i) =>
          (i % 2 ? store : second).append(
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
      await expect(second.append(userEntry(sessionId))).rejects.toEqual(withCode('SESSION_ENDED'))
    })

    it('keeps every word of the model out after a takeover', async () => {
      const sessionId = await startSession(store)
      const by = { id: 'operator', name: 'Grace' }
      const ai = (): ReturnType<typeof userEntry> => {
        const { clientMessageId, ...message } = userEntry(sessionId).message
        return { message: { ...message, sender: { type: 'ai', id: 'demo', name: 'demo' } } }
      }
      await Promise.allSettled(
        times(40, (i) =>
          (i % 2 ? store : second).append(
            i === 20 ? eventEntry(sessionId, { type: 'takeover_started', by }) : ai(),
          ),
        ),
      )
      await expect(store.append(ai())).rejects.toEqual(withCode('CONFLICT'))
      await expect(second.append(ai())).rejects.toEqual(withCode('CONFLICT'))
      expect((await readAll(store, sessionId)).at(-1)?.event).toMatchObject({ by })
      expect(await second.findSession(sessionId)).toMatchObject({ assistedBy: by })
      const asked = await store.append(questionEntry(sessionId))
      expect(asked.appended).toBe(true)
      expect(await second.findOpenReply(sessionId)).toBeUndefined()
    })

    it('refuses an entry that expects another end of the log', async () => {
      const sessionId = await startSession(store)
      await store.append(userEntry(sessionId))
      const end = eventEntry(sessionId, { type: 'session_ended', reason: 'idle' })
      await second.append(userEntry(sessionId))
      await expect(store.append({ ...end, expectedSeq: 1 })).rejects.toEqual(withCode('CONFLICT'))
      expect(await store.append({ ...end, expectedSeq: 2 })).toMatchObject({ appended: true })
    })

    it('sees a state that another instance has just changed', async () => {
      const sessionId = await startSession(store)
      const by = { id: 'operator', name: 'Grace' }
      for (let round = 0; round < 5; round++) {
        await store.append(eventEntry(sessionId, { type: 'takeover_started', by }))
        await second.append(eventEntry(sessionId, { type: 'takeover_ended', by }))
      }
      expect(await store.findSession(sessionId)).toMatchObject({ lastSeq: 10, assistedBy: null })
    })
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
    ])('reads %s', async (_, range, expected, hasMore) => {
      expect(await seqs(range)).toEqual([expected, hasMore])
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
