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
  type LogTip,
  type MessageLog,
  type NewEntry,
  type OpenedLog,
  type PlacedEntry,
  type SessionOrigin,
  settlesWithin,
} from '@chatbox/core'
import { idTaken, toMessage, toMessageRecord } from '../sealed/message-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import {
  toOrigin,
  toOriginRecord,
  toStateRecord,
  toTip,
  type StateRecord,
} from '../sealed/session-record.ts'
import { BOUNDED } from './client/client.ts'
import type { CheckTime, MongoConnection } from './client/connection.ts'
import { isDuplicateId, isDuplicateKey } from './client/errors.ts'
import {
  parseOrigin,
  toKey,
  type FoundSession,
  type MessageDocument,
  type ReplyTaskDocument,
} from './documents.ts'
import { KnownEnds } from './known-ends.ts'
import type { MongoSessions } from './mongo-sessions.ts'
import { SessionLanes } from './session-lanes.ts'
import type { TipWriter } from './tip-writer.ts'

const MAX_PAUSE_MS = 50
const COPY_WAIT_MS = 500
const MESSAGE_FIELDS = { sessionId: 1, seq: 1, head: 1, sealed: 1 } as const
const OPEN_FIELDS = { ...MESSAGE_FIELDS, state: 1, stateSealed: 1, origin: 1 } as const

interface MongoLogDeps extends RecordDeps {
  mongo: MongoConnection
  sessions: MongoSessions
  tips: TipWriter
}

type SealedOrigin = NonNullable<MessageDocument['origin']>

interface Attempt {
  appended: Appended
  carry: FoundSession
  /** To copy into the session's document; undefined where nothing was added. */
  after: StateRecord | undefined
}

/** The log of every session. */
export class MongoLog implements MessageLog {
  readonly #deps: MongoLogDeps
  readonly #mongo: MongoConnection
  readonly #lanes = new SessionLanes<FoundSession>()
  readonly #ends = new KnownEnds()
  readonly #origins = new WeakMap<SessionOrigin, SealedOrigin>()

  constructor(deps: MongoLogDeps) {
    this.#deps = deps
    this.#mongo = deps.mongo
  }

  async append(entry: NewEntry): Promise<Appended> {
    const checkTime = this.#mongo.startTimer()
    const sessionId = toKey(entry.message.sessionId)
    const { sessions, tips } = this.#deps
    return this.#lanes.run(sessionId, checkTime, async (carried) => {
      const known = carried ?? this.#ends.find(sessionId) ?? tips.findUnwritten(sessionId)
      const found = known ?? (await sessions.findProjected(sessionId))
      if (!found) throw notFound()
      const { appended, carry, after } = await this.#appendAfter(found, entry, checkTime)
      // What comes after a reply is somebody else's: its writer would only collide with that.
      if (entry.message.sender.type === 'ai') this.#ends.drop(sessionId)
      else this.#ends.keep(sessionId, carry)
      if (after && entry.message.event) await this.#copySoon(carry, after)
      else if (after) await tips.put(carry, after)
      return { result: appended, carry }
    })
  }

  /** Reads the end of a log again that others have written to, before it is needed. */
  async prepareAppend(sessionId: string): Promise<void> {
    const known = this.#ends.find(toKey(sessionId))
    if (!known) return
    const tip = await this.#deps.sessions.readTip(known.origin.id, known.tip)
    this.#ends.renew(sessionId, { origin: known.origin, tip })
  }

  /** Changes of state are rare, and lists filter by them: these wait a while for their copy. */
  async #copySoon({ origin }: FoundSession, record: StateRecord): Promise<void> {
    await settlesWithin(COPY_WAIT_MS, this.#deps.tips.write(origin, record))
  }

  async read(sessionId: string, { afterSeq, beforeSeq, limit }: LogRange): Promise<LogPage> {
    const isForward = afterSeq !== undefined
    const bound = isForward ? { $gt: afterSeq } : { $lt: beforeSeq ?? Number.MAX_SAFE_INTEGER }
    const documents = await this.#mongo.messages
      .find({ sessionId: toKey(sessionId), seq: bound }, { ...BOUNDED, projection: MESSAGE_FIELDS })
      .sort({ seq: isForward ? 1 : -1 })
      .limit(limit + 1)
      .toArray()
    const messages = documents.slice(0, limit).map((document) => this.#toMessage(document))
    if (!isForward) messages.reverse()
    return { messages, hasMore: documents.length > limit }
  }

  /**
   * Each entry carries the state after it and what the session began as, so the last of the log says
   * it all: a page that reaches the end needs no other read, and cannot be of another moment.
   */
  async open(sessionId: string, range: LogRange): Promise<OpenedLog | undefined> {
    const documents = await this.#readWithEnd(toKey(sessionId), range)
    const found = await this.#findAtEnd(toKey(sessionId), range, documents)
    if (!found) return undefined
    // Whoever opens a log may write in it next.
    this.#ends.keep(sessionId, found)
    const { origin, tip } = found
    const entries = documents.filter(({ seq }) => seq > (range.afterSeq ?? 0))
    const messages = entries.slice(0, range.limit).map((document) => this.#toMessage(document))
    if (range.afterSeq === undefined) messages.reverse()
    return {
      session: toSession(origin, tip),
      page: { messages, hasMore: entries.length > range.limit },
      mayHaveOpenTask: tip.state.unanswered !== 0,
    }
  }

  /** As `read` does, and before what comes after a seq the entry of that seq, which may be the last. */
  async #readWithEnd(sessionId: string, { afterSeq, limit }: LogRange): Promise<MessageDocument[]> {
    const isForward = afterSeq !== undefined
    return this.#mongo.messages
      .find(isForward ? { sessionId, seq: { $gte: afterSeq } } : { sessionId }, {
        ...BOUNDED,
        projection: OPEN_FIELDS,
      })
      .sort({ seq: isForward ? 1 : -1 })
      .limit(limit + (isForward ? 2 : 1))
      .toArray()
  }

  async #findAtEnd(
    sessionId: string,
    { afterSeq = 0, ...range }: LogRange,
    documents: MessageDocument[],
  ): Promise<FoundSession | undefined> {
    const { sessions } = this.#deps
    const last = findLast(documents, range.limit + 2)
    if (last) {
      const origin = await this.#findOrigin(sessionId, last)
      const { seq, state, stateSealed } = last
      return origin && { origin, tip: toTip(this.#deps, sessionId, { seq, state, stateSealed }) }
    }
    const isEmpty = documents.length === 0 && afterSeq === 0
    const projected = isEmpty ? await sessions.findProjected(sessionId) : undefined
    return projected?.tip.seq === 0 ? projected : sessions.findExact(sessionId)
  }

  /** An entry from before it was told with each one does not say it. */
  async #findOrigin(sessionId: string, entry: MessageDocument): Promise<SessionOrigin | undefined> {
    const stored = parseOrigin(entry)
    if (stored) return toOrigin(this.#deps, { ...stored, id: sessionId })
    return (await this.#deps.sessions.findProjected(sessionId))?.origin
  }

  async find(sessionId: string, messageId: string): Promise<Message | undefined> {
    const filter = { _id: toKey(messageId), sessionId: toKey(sessionId) }
    const options = { ...BOUNDED, projection: MESSAGE_FIELDS }
    const document = await this.#mongo.messages.findOne(filter, options)
    return document ? this.#toMessage(document) : undefined
  }

  /**
   * Inserts behind the tip that is known, which may be old: whoever has it loses to the unique
   * index, reads again and decides again. So does who is refused by an old state.
   */
  async #appendAfter(
    { origin, tip }: FoundSession,
    entry: NewEntry,
    checkTime: CheckTime,
  ): Promise<Attempt> {
    let known = tip
    for (let attempt = 0; ; attempt++) {
      const placed = place(known, entry)
      let isIdTaken = false
      if (!(placed instanceof AppError)) {
        const { message, state } = placed
        const after = await this.#insert(origin, placed)
        isIdTaken = after === 'id-taken'
        if (typeof after === 'object') {
          const carry = { origin, tip: { seq: message.seq, state } }
          const session = toSession(origin, carry.tip)
          return { appended: { message, session, appended: true }, carry, after }
        }
      }
      // The entry that this one repeats, and what it comes behind.
      const [first, newest] = await Promise.all([
        this.find(entry.message.sessionId, entry.message.id),
        this.#deps.sessions.readTip(origin.id, known),
      ])
      if (first) {
        const carry = { origin, tip: newest }
        const session = toSession(origin, newest)
        const appended = { message: first, session, appended: false }
        return { appended, carry, after: undefined }
      }
      if (isIdTaken) await this.#checkOwner(entry)
      if (placed instanceof AppError && newest.seq === known.seq) throw placed
      known = newest
      await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 2 ** attempt))
      checkTime()
    }
  }

  /** The state as it was stored, or what another entry has already. */
  async #insert(
    origin: SessionOrigin,
    { message, state, question }: PlacedEntry,
  ): Promise<StateRecord | 'id-taken' | 'seq-taken'> {
    const { id, ...record } = toMessageRecord(this.#deps, message)
    const after = toStateRecord(this.#deps, record.sessionId, { seq: message.seq, state })
    const document: MessageDocument = { _id: id, ...record, ...after, origin: this.#seal(origin) }
    if (question) document.tasks = { reply: await this.#toReplyTask(message, question) }
    try {
      await this.#mongo.messages.insertOne(document, BOUNDED)
      return after
    } catch (error) {
      if (isDuplicateKey(error)) return isDuplicateId(error) ? 'id-taken' : 'seq-taken'
      throw error
    }
  }

  /** Once for all entries that one process adds in a row: it is the same in each. */
  #seal(origin: SessionOrigin): SealedOrigin {
    const known = this.#origins.get(origin)
    if (known) return known
    const { id: _, ...sealed } = toOriginRecord(this.#deps, origin)
    this.#origins.set(origin, sealed)
    return sealed
  }

  async #toReplyTask(
    { sessionId, createdAt }: Message,
    { replyId, modelId }: NonNullable<PlacedEntry['question']>,
  ): Promise<ReplyTaskDocument> {
    return {
      replyId,
      modelId,
      state: 'pending',
      epoch: 0,
      attempts: 0,
      stopRequested: false,
      askedAt: createdAt,
      openIn: sessionId,
      waitsSince: await this.#mongo.clock.now(),
      replaced: [],
    }
  }

  /** Throws where another session's entry has the id. Ids are made so that this does not happen. */
  async #checkOwner({ message }: NewEntry): Promise<void> {
    const options = { ...BOUNDED, projection: { sessionId: 1 } } as const
    const owner = await this.#mongo.messages.findOne({ _id: toKey(message.id) }, options)
    if (owner && owner.sessionId !== message.sessionId) throw idTaken()
  }

  #toMessage({ _id: id, sessionId, seq, head, sealed }: MessageDocument): Message {
    return toMessage(this.#deps, { id, sessionId, seq, head, sealed })
  }
}

/** The newest of a log, if these can be known to reach its end: fewer than were asked for. */
function findLast(documents: MessageDocument[], asked: number): MessageDocument | undefined {
  const [first] = documents
  const last = documents.at(-1)
  if (!first || !last) return undefined
  // Backwards they begin with it.
  if (first.seq > last.seq) return first
  return documents.length < asked ? last : undefined
}

function place(tip: LogTip, entry: NewEntry): PlacedEntry | AppError {
  try {
    return placeEntry(tip, entry)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}
