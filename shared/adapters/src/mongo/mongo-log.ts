import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '@chatbox/contract'
import {
  AppError,
  notFound,
  placeEntry,
  toSession,
  type Appended,
  type LogPage,
  type LogRange,
  type LogHead,
  type MessageLog,
  type NewEntry,
  type OpenedLog,
  type PlacedEntry,
  type SessionOrigin,
} from '@chatbox/core'
import type { FindCursor } from 'mongodb'
import { idTaken, toMessage, toMessageRecord } from '../sealed/message-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { PageFill } from '../sealed/page-fill.ts'
import {
  toOrigin,
  toOriginRecord,
  toStateRecord,
  toHead,
  type OriginRecord,
} from '../sealed/session-record.ts'
import { BOUNDED } from './client/client.ts'
import type { CheckTime, MongoConnection } from './client/connection.ts'
import { isDuplicateId, isDuplicateKey } from './client/errors.ts'
import {
  newReplyTask,
  toEntryFilter,
  toKey,
  type FoundSession,
  type MessageDocument,
} from './documents.ts'
import type { HeadCache } from './head-cache.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { MongoAlerts } from './mongo-alerts.ts'
import type { MongoSessions } from './mongo-sessions.ts'

const MAX_PAUSE_MS = 50
/**
 * The entries that a page with a limited text fetches at a time: the usual page with the two that
 * show whether there is more. A page of long texts then fetches few in vain.
 */
const CUT_BATCH = 52
const MESSAGE_FIELDS = { sessionId: 1, seq: 1, head: 1, sealed: 1 } as const
const OPEN_FIELDS = { ...MESSAGE_FIELDS, state: 1, stateSealed: 1, origin: 1 } as const

/** One of the three; undefined if another entry was faster. */
interface Try {
  appended?: Appended
  /** The state does not allow this entry. */
  refusal?: AppError
  isIdTaken?: boolean
}

type Page = PageFill<MessageDocument, Message>

/** The log of every session. */
export class MongoLog implements MessageLog {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly #sessions: MongoSessions
  readonly #alerts: Pick<MongoAlerts, 'openOf'>
  readonly #heads: HeadCache
  readonly #queue = new KeyedQueue()
  readonly #origins = new WeakMap<SessionOrigin, OriginRecord>()

  constructor(
    mongo: MongoConnection,
    deps: RecordDeps,
    { sessions, alerts }: { sessions: MongoSessions; alerts: Pick<MongoAlerts, 'openOf'> },
  ) {
    this.#mongo = mongo
    this.#deps = deps
    this.#sessions = sessions
    this.#alerts = alerts
    this.#heads = sessions.heads
  }

  async append(entry: NewEntry): Promise<Appended> {
    const checkTime = this.#mongo.startTimer()
    const sessionId = toKey(entry.message.sessionId)
    return this.#queue.run(sessionId, checkTime, async () => {
      const found = this.#heads.find(sessionId) ?? (await this.#sessions.findProjected(sessionId))
      if (!found) throw notFound()
      return this.#appendAfter(found, entry, checkTime)
    })
  }

  async prepareAppend(sessionId: string): Promise<void> {
    await this.#heads.refresh(toKey(sessionId))
  }

  async read(sessionId: string, range: LogRange): Promise<LogPage> {
    const { afterSeq, beforeSeq, limit } = range
    const isForward = afterSeq !== undefined
    const bound = isForward ? { $gt: afterSeq } : { $lt: beforeSeq ?? Number.MAX_SAFE_INTEGER }
    const documents = this.#mongo.messages
      .find({ sessionId: toKey(sessionId), seq: bound }, { ...BOUNDED, projection: MESSAGE_FIELDS })
      .sort({ seq: isForward ? 1 : -1 })
      .limit(limit + 1)
    const page = this.#startPage(range)
    await readUntil(documents, range, (document) => {
      page.add(document)
      return page.isCut
    })
    return toLogPage(page)
  }

  /**
   * Each entry contains the state after it and the session's origin, so the last entry describes
   * the whole session. A page that reaches the end needs no other read and is always consistent.
   */
  async open(sessionId: string, range: LogRange): Promise<OpenedLog | undefined> {
    const page = this.#startPage(range)
    const documents: MessageDocument[] = []
    await readUntil(this.#findWithEnd(toKey(sessionId), range), range, (document) => {
      documents.push(document)
      if (document.seq > (range.afterSeq ?? 0)) page.add(document)
      return page.isCut
    })
    const asked = page.isCut ? documents.length : range.limit + 2
    const last = findLast(documents, asked)
    const found = last
      ? this.#toFound(last)
      : await this.#findSession(toKey(sessionId), range, documents)
    if (!found) return undefined
    // A client that opens a log may write in it next.
    this.#heads.keep(found)
    const { origin, head } = found
    return {
      session: toSession(origin, head),
      page: toLogPage(page),
      mayHaveOpenTask: head.state.unanswered > 0,
    }
  }

  /**
   * Reads as `read` does. After a seq it also reads the entry of that seq, which may be the last.
   */
  #findWithEnd(sessionId: string, { afterSeq, limit }: LogRange): FindCursor<MessageDocument> {
    const isForward = afterSeq !== undefined
    return this.#mongo.messages
      .find(isForward ? { sessionId, seq: { $gte: afterSeq } } : { sessionId }, {
        ...BOUNDED,
        projection: OPEN_FIELDS,
      })
      .sort({ seq: isForward ? 1 : -1 })
      .limit(limit + (isForward ? 2 : 1))
  }

  #toFound({ sessionId, seq, state, stateSealed, origin }: MessageDocument): FoundSession {
    const head = toHead(this.#deps, sessionId, { seq, state, stateSealed })
    return { origin: toOrigin(this.#deps, sessionId, origin), head }
  }

  /** Finds the session of a page that does not reach the end of the log, or is empty. */
  async #findSession(
    sessionId: string,
    { afterSeq = 0 }: LogRange,
    documents: MessageDocument[],
  ): Promise<FoundSession | undefined> {
    const projected = await this.#sessions.findProjected(sessionId)
    const isNew = afterSeq === 0 && documents.length === 0 && projected?.head.seq === 0
    return isNew || !projected ? projected : this.#sessions.toExact(projected)
  }

  async find(sessionId: string, messageId: string): Promise<Message | undefined> {
    const options = { ...BOUNDED, projection: MESSAGE_FIELDS }
    const filter = toEntryFilter({ sessionId, messageId })
    const document = await this.#mongo.messages.findOne(filter, options)
    return document ? this.#toMessage(document) : undefined
  }

  /**
   * Inserts after the cached head. If that head is old, the insert violates the unique index; then
   * reads and decides again. Also does so if an old state refuses the entry.
   */
  async #appendAfter(
    { origin, head }: FoundSession,
    entry: NewEntry,
    checkTime: CheckTime,
  ): Promise<Appended> {
    const { sessionId, id } = entry.message
    let known = head
    for (let attempt = 0; ; attempt++) {
      const { appended, refusal, isIdTaken } = await this.#tryInsert({ origin, head: known }, entry)
      if (appended) return appended
      // The entry that this one repeats, and the head that it follows.
      const [first, newest] = await Promise.all([
        this.find(sessionId, id),
        this.#heads.read(origin.id, known),
      ])
      if (first) {
        await this.#heads.advance({ origin, head: newest }, first)
        return { message: first, session: toSession(origin, newest), appended: false }
      }
      if (isIdTaken) await this.#checkOwner(entry)
      if (refusal && newest.seq === known.seq) throw refusal
      known = newest
      await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 2 ** attempt))
      checkTime()
    }
  }

  async #tryInsert({ origin, head: before }: FoundSession, entry: NewEntry): Promise<Try> {
    const placed = place(before, entry)
    if (placed instanceof AppError) return { refusal: placed }
    const { message, state, question, alerts } = placed
    const head = { seq: message.seq, state }
    const { id, ...entryRecord } = toMessageRecord(this.#deps, message)
    const record = toStateRecord(this.#deps, origin.id, head)
    const document: MessageDocument = {
      _id: id,
      ...entryRecord,
      ...record,
      origin: this.#seal(origin),
    }
    if (question) {
      document.tasks = { reply: newReplyTask(message, question, await this.#mongo.clock.now()) }
    }
    if (alerts.length > 0) {
      document.alerts = { rules: [...alerts], waitsSince: await this.#mongo.clock.now() }
    }
    try {
      await this.#mongo.messages.insertOne(document, BOUNDED)
    } catch (error) {
      if (isDuplicateKey(error)) return { isIdTaken: isDuplicateId(error) }
      throw error
    }
    await this.#heads.advance({ origin, head }, message, record)
    // The entry is durable and names them, so a sweep opens what fails here.
    if (document.alerts) await this.#alerts.openOf(document).catch(() => undefined)
    return { appended: { message, session: toSession(origin, head), appended: true } }
  }

  /**
   * Seals it once for all entries that one process appends in a row, because it is the same in
   * each.
   */
  #seal(origin: SessionOrigin): OriginRecord {
    const known = this.#origins.get(origin)
    if (known) return known
    const sealed = toOriginRecord(this.#deps, origin)
    this.#origins.set(origin, sealed)
    return sealed
  }

  /** Throws if another session's entry has this id. The way ids are made rules this out. */
  async #checkOwner({ message }: NewEntry): Promise<void> {
    const options = { ...BOUNDED, projection: { sessionId: 1 } } as const
    const owner = await this.#mongo.messages.findOne({ _id: toKey(message.id) }, options)
    if (owner && owner.sessionId !== message.sessionId) throw idTaken()
  }

  #startPage(range: LogRange): Page {
    return new PageFill(range, {
      open: (document: MessageDocument) => this.#toMessage(document),
      lengthOf: ({ content }) => content.length,
    })
  }

  #toMessage({ _id: id, sessionId, seq, head, sealed }: MessageDocument): Message {
    return toMessage(this.#deps, { id, sessionId, seq, head, sealed })
  }
}

function toLogPage(page: Page): LogPage {
  const { entries: messages, hasMore } = page.toPage()
  return { messages, hasMore }
}

/**
 * Reads each document until `take` returns true. Only a page with a limited text may end early. Any
 * other is read as a whole, because an iterator costs a promise for each document.
 */
async function readUntil<T>(
  cursor: FindCursor<T>,
  { maxLength }: LogRange,
  take: (document: T) => boolean,
): Promise<void> {
  if (maxLength === undefined) {
    for (const document of await cursor.toArray()) take(document)
    return
  }
  for await (const document of cursor.batchSize(CUT_BATCH)) if (take(document)) return
}

/**
 * Returns the newest entry of a log if the page is known to reach its end, that is if it has fewer
 * entries than the limit.
 */
function findLast(documents: MessageDocument[], asked: number): MessageDocument | undefined {
  const [first] = documents
  const last = documents.at(-1)
  if (!first || !last) return undefined
  // A page that was read backwards begins with it.
  if (first.seq > last.seq) return first
  return documents.length < asked ? last : undefined
}

function place(head: LogHead, entry: NewEntry): PlacedEntry | AppError {
  try {
    return placeEntry(head, entry)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}
