import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, jest } from '@jest/globals'
import { createKeyRing, type Cipher, type Store } from '@chatbox/adapters'
import type { Message, SessionEvent } from '@chatbox/contract'
import {
  type AdapterHooks,
  type Appended,
  toAppError,
  type NewDeskEntry,
  type NewEntry,
  type NewSession,
  type ReplyTask,
  type Revocation,
  type ReplyKey,
  type ReplyOutcome,
  type RetryRequest,
} from '@chatbox/core'

/** What one adapter gives to the suite. */
export interface StoreHarness {
  store: Store
  /** Another instance on the same data, as another process would have. */
  openSecond(): Promise<Store>
  /** How many texts both instances have decrypted; undefined where the harness decrypts too. */
  countOpened?(): number
  /** Puts one entry's sealed text into the place of another's. */
  swapSealed(a: string, b: string): Promise<void>
  close(): Promise<void>
}

export interface AuditHarness extends StoreHarness {
  /** Changes the stored audit log as somebody does who can write to the store. */
  editAudit(edit: (stored: StoredAudit[]) => StoredAudit[]): Promise<void>
}

/** An entry of the audit log as it is stored. */
export type StoredAudit = Record<string, string | number | null>

interface OpenedStores {
  harness: StoreHarness
  store: Store
  second: Store
}

/** Opens two instances on one store for the tests of a block, hands them to `use`, and closes them. */
export function useStores(
  open: () => Promise<StoreHarness>,
  use: (opened: OpenedStores) => void,
): void {
  let opened: OpenedStores
  beforeAll(async () => {
    const harness = await open()
    opened = { harness, store: harness.store, second: await harness.openSecond() }
    use(opened)
  })
  afterAll(async () => {
    await opened.second.close()
    await opened.harness.close()
  })
}

export const newId = (): string => randomBytes(16).toString('base64url')
export const newKeyRing = (id = 'k1'): Cipher =>
  createKeyRing([{ id, key: new Uint8Array(randomBytes(32)) }])

/** A key ring that counts what it decrypts. */
export interface CountingKeyRing extends Cipher {
  readonly opened: number
}

export function newCountingKeyRing(): CountingKeyRing {
  const ring = newKeyRing()
  let opened = 0
  return {
    seal: (text, context) => ring.seal(text, context),
    open(sealed, context) {
      opened++
      return ring.open(sealed, context)
    },
    frames: (context) => ring.frames(context),
    get opened() {
      return opened
    },
  }
}

export interface RecordedHooks extends AdapterHooks {
  refused: { source: string; ids: Record<string, string> }[]
  errors: unknown[]
}

export function createHooks(): RecordedHooks {
  const refused: RecordedHooks['refused'] = []
  const errors: unknown[] = []
  return {
    refused,
    errors,
    onError: (_, error) => errors.push(error),
    onPublishFailed: () => undefined,
    onGap: () => undefined,
    onPayloadRefused: (source, ids) => refused.push({ source, ids }),
  }
}

let lastTime = Date.UTC(2026, 0, 1)
/** Times that go up by one second each, so that order shows. */
export function nextTime(): string {
  lastTime += 1000
  return new Date(lastTime).toISOString()
}

export function newSession(userId: string = newId()): NewSession {
  return { id: newId(), userId, userName: 'Ada', startedAt: nextTime(), modelId: 'demo' }
}

export function newRevocation(over: Partial<Revocation> = {}): Revocation {
  return { userId: newId(), reason: 'shut_out', before: new Date(), by: 'boss', ...over }
}

export function newNote(sessionId: string, over: Partial<NewDeskEntry> = {}): NewDeskEntry {
  return {
    id: newId(),
    sessionId,
    by: { id: 'olga', name: 'Olga' },
    at: nextTime(),
    action: { type: 'note', text: 'Wants a refund', mentions: [] },
    ...over,
  }
}

export function userEntry(sessionId: string, over: Partial<Message> = {}): NewEntry {
  return {
    message: {
      id: newId(),
      sessionId,
      clientMessageId: newId(),
      kind: 'text',
      sender: { type: 'user', id: 'user', name: 'Ada' },
      content: 'What is a monad?',
      attachments: [],
      status: 'complete',
      createdAt: nextTime(),
      ...over,
    },
  }
}

export function questionEntry(sessionId: string, over: Partial<Message> = {}): NewEntry {
  return { ...userEntry(sessionId, over), replyId: newId() }
}

export function eventEntry(sessionId: string, event: SessionEvent): NewEntry {
  const sender = { type: 'system', id: 'system', name: '' } as const
  const { clientMessageId, ...message } = userEntry(sessionId, {
    kind: 'event',
    sender,
    event,
  }).message
  return { message: { ...message, content: '' } }
}

export function endSession(store: Store, sessionId: string): Promise<Appended> {
  return store.messages.append(eventEntry(sessionId, { type: 'session_ended', reason: 'user' }))
}

/** A word of the model that answers no question. */
export function modelEntry(sessionId: string, over: Partial<Message> = {}): NewEntry {
  const sender = { type: 'ai', id: 'demo', name: 'demo' } as const
  const { clientMessageId, ...message } = userEntry(sessionId, { sender, ...over }).message
  return { message }
}

export function replyEntry(reply: ReplyTask, outcome: ReplyOutcome): NewEntry {
  const { content, status, modelId, error, usage } = outcome
  const sender = { type: 'ai', id: reply.modelId, name: reply.modelId } as const
  const entry = modelEntry(reply.sessionId, {
    id: reply.replyId,
    sender,
    replyTo: reply.messageId,
    content,
    status,
    modelId,
    ...(error && { error }),
    ...(usage && { usage }),
  })
  return { ...entry, responseTimeMs: 100 }
}

export function newOutcome(over: Partial<ReplyOutcome> = {}): ReplyOutcome {
  return {
    status: 'complete',
    content: 'A monoid in the category of endofunctors.',
    modelId: 'demo',
    finishedAt: nextTime(),
    usage: { promptTokens: 3, completionTokens: 5, totalTokens: 8 },
    ...over,
  }
}

export async function startSession(store: Store, userId?: string): Promise<string> {
  const { session } = await store.sessions.create(newSession(userId))
  return session.id
}

export const LEASE_MS = 60_000

export async function askQuestion(
  store: Store,
  sessionId: string,
): Promise<{ question: ReplyKey; replyId: string; message: Message }> {
  const replyId = newId()
  const { message } = await store.messages.append({ ...userEntry(sessionId), replyId })
  return { question: { sessionId, messageId: message.id }, replyId, message }
}

/** Appends a question and claims it. */
export async function startReply(
  store: Store,
  sessionId: string,
  leaseMs = LEASE_MS,
): Promise<ReplyTask> {
  const { message } = await store.messages.append(questionEntry(sessionId))
  const claimed = await store.replies.claim({ sessionId, messageId: message.id }, leaseMs)
  if (!claimed) throw new Error('a new question could not be claimed')
  return claimed
}

/** A question and its answer, in the log and settled. */
export async function answer(
  store: Store,
  sessionId: string,
  over: Partial<ReplyOutcome> = {},
): Promise<ReplyTask> {
  const reply = await startReply(store, sessionId)
  await finishReply(store, reply, over)
  return reply
}

export async function finishReply(
  store: Store,
  reply: ReplyTask,
  over: Partial<ReplyOutcome> = {},
): Promise<void> {
  const outcome = newOutcome(over)
  await store.replies.commit(reply, outcome)
  await store.messages.append(replyEntry(reply, outcome))
  await store.replies.settle(reply, reply.epoch, 'done')
}

export function retryOf(sessionId: string, messageId: string): RetryRequest {
  return { sessionId, messageId, replyId: newId(), modelId: 'other', askedAt: nextTime() }
}

/** Waits until the store itself says that a lease has run out. */
export async function endOfLease(store: Store, { messageId }: ReplyTask): Promise<void> {
  await eventually(
    () => store.replies.takeUnfinished({ forMs: 0, limit: 1000 }),
    (ended) => ended.some((reply) => reply.messageId === messageId),
  )
}

export const withCode = (code: string): unknown => expect.objectContaining({ code })

/** Sets this process's clock wrong, and nothing but the clock, until `jest.useRealTimers()`. */
export function useWrongClock(offsetMs: number): void {
  jest.useFakeTimers({
    now: Date.now() + offsetMs,
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  })
}

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** The seqs of a whole log, read page by page from its beginning. */
export async function readAll(store: Store, sessionId: string): Promise<Message[]> {
  const messages: Message[] = []
  for (;;) {
    const page = await store.messages.read(sessionId, { afterSeq: messages.length, limit: 200 })
    messages.push(...page.messages)
    if (!page.hasMore) return messages
  }
}

const MAX_SENDS = 10

/**
 * As a client does: `UNAVAILABLE` acknowledges nothing, so the same is sent again. A machine that is
 * busy with other things may not store a crowd of them within the port's 3 s.
 */
export async function untilStored<T>(send: () => Promise<T>): Promise<T> {
  for (let sends = 1; ; sends++) {
    try {
      return await send()
    } catch (error) {
      if (sends === MAX_SENDS || toAppError(error).code !== 'UNAVAILABLE') throw error
    }
  }
}

/** Waits until `check` holds; fails with what it last saw. */
export async function eventually<T>(
  read: () => Promise<T>,
  check: (value: T) => boolean,
  timeoutMs = 5000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await read()
    if (check(value)) return value
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
