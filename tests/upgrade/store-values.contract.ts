import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { messageFields, openEnums, type Message } from '@chatbox/contract'
import type { Store } from '@chatbox/adapters'
import { createLogger, createMetrics } from '@chatbox/kit'
import { appendCommitted } from '../../services/worker/src/answer/append-reply.ts'
import type { Context } from '../../services/worker/src/context.ts'
import { toContext } from '../../shared/adapters/src/sealed/key-ring.ts'
import { createMemoryEventBus } from '../../shared/adapters/src/memory/memory-event-bus.ts'
import {
  eventEntry,
  LEASE_MS,
  newOutcome,
  newSession,
  questionEntry,
  readAll,
  startReply,
  userEntry,
  withCode,
} from '../contract/store.support.ts'
import { addFields, ADDED, find, NEXT_TEXT, NEXT_VALUE, replaceAt } from './next-version.ts'
import { walkSchemas } from './schema-walk.ts'
import type { SharedStore } from './shared-store.ts'

/** Each field of a message whose values a later version may add to, with what is read in its place. */
const OPEN_FIELDS = [...walkSchemas(messageFields)]
  .filter(({ schema }) => openEnums.has(schema))
  .map(({ schema, path }) => [path.join('.'), openEnums.get(schema)?.fallback] as const)

/** What a store of this version makes of values that only the next one knows. */
export function describeNextValues(open: () => Promise<SharedStore>): void {
  let shared: SharedStore
  let store: Store
  let sessionId: string
  let userId: string
  beforeEach(async () => {
    shared = await open()
    store = await shared.open('this')
    const session = newSession()
    ;({ id: sessionId, userId } = session)
    await store.sessions.create(session)
  })
  afterEach(async () => {
    expect(shared.hooks.refused).toEqual([])
    await shared.close()
  })

  /** Has the next version write `change` to the entry. */
  async function rewrite(message: Message, change: (message: Message) => unknown): Promise<void> {
    const context = toContext('message', sessionId, message.id)
    const text = JSON.stringify(addFields(change(message)))
    await shared.replaceSealed(message.id, shared.cipher.seal(text, context))
  }

  async function appendFull(): Promise<Message> {
    const { clientMessageId, ...full } = eventEntry(sessionId, {
      type: 'session_ended',
      reason: 'idle',
    }).message as Message
    const error = { code: 'LLM_TIMEOUT', message: 'It took too long.', retryable: true } as const
    return (await store.messages.append({ message: { ...full, status: 'failed', error } })).message
  }

  it('reads every open field of a message, and there are some', () => {
    expect(OPEN_FIELDS.map(([path]) => path)).toEqual(
      expect.arrayContaining(['sender.type', 'status', 'error.code', 'event.reason']),
    )
  })

  it.each(OPEN_FIELDS)('reads an unknown %s as %s', async (path, fallback) => {
    const message = await appendFull()
    const fields = path.split('.')
    expect(typeof find(message, fields)).toBe('string')
    await rewrite(message, (full) => replaceAt(full, fields, NEXT_VALUE))
    const expected = replaceAt(message, fields, fallback)
    expect(await store.messages.find(sessionId, message.id)).toEqual(expected)
  })

  it.each([
    ['kind', ['kind']],
    ['event', ['event', 'type']],
  ])('serves an entry of an unknown %s without what it holds', async (_what, path) => {
    const [before, full] = [await store.messages.append(userEntry(sessionId)), await appendFull()]
    const holding = { ...full, content: 'not for everybody', modelId: 'demo' }
    await rewrite(holding, (message) => replaceAt(message, path, NEXT_VALUE))
    const { id, seq, sender, createdAt } = full
    const place = { id, sessionId, seq, sender, createdAt }
    const shown = { ...place, kind: 'unknown', content: '', attachments: [], status: 'complete' }
    expect(await readAll(store, sessionId)).toEqual([before.message, shown])
    const opened = await store.messages.open(sessionId, { limit: 5 })
    expect(opened?.page.messages.at(-1)).toEqual(shown)
  })

  it('shows a session in an unknown status as ended, and writes nothing in it', async () => {
    await store.messages.append(userEntry(sessionId))
    // With it goes the projection, which may be late.
    await store.close()
    await shared.setStatus(sessionId, NEXT_VALUE)
    const other = await shared.open('this')
    expect(await other.sessions.find(sessionId)).toMatchObject({ id: sessionId, status: 'ended' })
    expect((await other.sessions.list(userId, { limit: 5 })).sessions).toMatchObject([
      { id: sessionId, status: 'ended' },
    ])
    expect(await other.messages.open(sessionId, { limit: 5 })).toMatchObject({
      session: { lastSeq: 1 },
    })
    expect(await other.sessions.findActive(userId)).toBeUndefined()
    // It may still be its user's one active session, which this version cannot end.
    await expect(other.sessions.create(newSession(userId))).rejects.toEqual(withCode('UNAVAILABLE'))
    await expect(other.messages.append(userEntry(sessionId))).rejects.toEqual(
      withCode('SESSION_ENDED'),
    )
    expect(await shared.readSession(sessionId)).toMatchObject({ state: { status: NEXT_VALUE } })
  })

  it('leaves an answer in an unknown state to who knows it, and begins no other meanwhile', async () => {
    const reply = await startReply(store, sessionId)
    const next = await store.messages.append(questionEntry(sessionId))
    await shared.setReplyState(reply.messageId, NEXT_VALUE)
    expect(await store.replies.findOpen(sessionId)).toMatchObject({
      messageId: reply.messageId,
      state: 'unknown',
    })
    expect(await store.replies.claim(reply, LEASE_MS)).toBeUndefined()
    expect(await store.replies.commit(reply, newOutcome())).toBe('lost')
    expect(await store.replies.findCommitted(reply)).toBeUndefined()
    await store.replies.settle(reply, reply.epoch, 'done')
    expect((await store.replies.findOpen(sessionId))?.messageId).toBe(reply.messageId)
    // An end of the session ends it as well.
    expect(await store.replies.cancel(sessionId, 'all')).toHaveLength(2)
    expect(next.appended).toBe(true)
  })

  it('puts the answer of a worker of the next version into the log as that one wrote it', async () => {
    const reply = await startReply(store, sessionId)
    const next = await shared.open('next')
    await next.replies.commit(reply, newOutcome({ status: NEXT_VALUE as 'complete' }))
    const bus = createMemoryEventBus(shared.hooks)
    const logger = createLogger('worker', 'error')
    const tools = { bus, models: { find: () => undefined }, logger, metrics: createMetrics() }
    await appendCommitted({ ...tools, ...store } as unknown as Context, reply)
    const entry = toContext('message', sessionId, reply.replyId)
    const sealed = await shared.readSealed(reply.replyId)
    expect(JSON.parse(shared.cipher.open(sealed, entry))).toMatchObject({
      status: NEXT_VALUE,
      [ADDED]: { text: NEXT_TEXT },
      usage: { totalTokens: 8, [ADDED]: { text: NEXT_TEXT } },
    })
    const read = await store.messages.find(sessionId, reply.replyId)
    expect(read).toMatchObject({ id: reply.replyId, kind: 'text', status: 'complete' })
    expect(JSON.stringify(read)).not.toContain(NEXT_TEXT)
    expect((await store.replies.findOpen(sessionId))?.messageId).toBeUndefined()
  })
}
