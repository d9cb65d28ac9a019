import type { Session } from '@chatbox/contract'
import {
  initialState,
  toSession,
  type LogTip,
  type NewSession,
  type SessionOrigin,
  type SessionPage,
  type Sessions,
} from '@chatbox/core'
import type { Filter } from 'mongodb'
import { z } from 'zod'
import { idTaken } from '../sealed/message-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import {
  isRefused,
  parseCursor,
  refuseSession,
  toActiveKey,
  toCursor,
  toOrigin,
  toOriginRecord,
  toStateRecord,
  toTip,
  toUserKey,
} from '../sealed/session-record.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import { isDuplicateKey, unavailable } from './client/errors.ts'
import { toKey, type FoundSession, type SessionDocument } from './documents.ts'
import type { TipWriter } from './tip-writer.ts'

const CREATE_ATTEMPTS = 5
const documentSchema = z.object({
  _id: z.string(),
  userId: z.string(),
  startedAt: z.string(),
  sealed: z.string(),
  seq: z.unknown(),
  state: z.unknown(),
  stateSealed: z.unknown(),
})

export class MongoSessions implements Sessions {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly #tips: TipWriter

  constructor(mongo: MongoConnection, deps: RecordDeps, tips: TipWriter) {
    this.#mongo = mongo
    this.#deps = deps
    this.#tips = tips
  }

  async create(session: NewSession): Promise<{ session: Session; created: boolean }> {
    const { id, userId, userName, startedAt } = session
    const tip = { seq: 0, state: initialState(session.modelId, startedAt) }
    const document = this.#toDocument({ id, userId, userName, startedAt }, tip)
    for (let attempt = 0; attempt < CREATE_ATTEMPTS; attempt++) {
      if (await this.#insert(document)) {
        return { session: toSession({ id, userId, userName, startedAt }, tip), created: true }
      }
      const existing = (await this.findActive(userId)) ?? (await this.#findOwn(session))
      if (existing) return { session: existing, created: false }
      // The one that was in the way has ended, and its key is free now.
    }
    throw unavailable()
  }

  async find(sessionId: string): Promise<Session | undefined> {
    const found = await this.findExact(sessionId)
    return found && toSession(found.origin, found.tip)
  }

  async findHead(sessionId: string, knownSeq: number): Promise<number | undefined> {
    if (knownSeq > 0 && (await this.#isLast(toKey(sessionId), knownSeq))) return knownSeq
    return (await this.findExact(sessionId))?.tip.seq
  }

  async findActive(userId: string): Promise<Session | undefined> {
    const document = await this.#findOne({ activeKey: toUserKey(toKey(userId)) })
    if (!document) return undefined
    const { origin, tip } = await this.#toExact(document)
    return tip.state.status === 'active' ? toSession(origin, tip) : undefined
  }

  async list(userId: string, page: { limit: number; cursor?: string }): Promise<SessionPage> {
    const after = page.cursor === undefined ? {} : toAfter(page.cursor)
    const documents = await this.#mongo.sessions
      .find({ userId: toKey(userId), ...after }, BOUNDED)
      .sort({ lastActivityAt: -1, _id: -1 })
      .limit(page.limit + 1)
      .toArray()
    const last = documents.length > page.limit ? documents[page.limit - 1] : undefined
    const sessions = this.#toReadable(documents.slice(0, page.limit))
    return {
      sessions: sessions.map(({ origin, tip }) => toSession(origin, tip)),
      nextCursor: last ? toCursor({ id: last._id, lastActivityAt: last.lastActivityAt }) : null,
    }
  }

  /** Whoever is listed here gets ended, so each one is checked against its log. */
  async listIdle(before: Date, limit: number): Promise<Session[]> {
    const time = before.toISOString()
    const documents = await this.#mongo.sessions
      .find({ status: 'active', lastActivityAt: { $lt: time } }, BOUNDED)
      .sort({ lastActivityAt: 1 })
      .limit(limit)
      .toArray()
    const found = await Promise.all(
      this.#toReadable(documents).map((session) => this.#toExact(session).catch(skipRefused)),
    )
    return found
      .filter((session) => session !== undefined)
      .filter(({ tip: { state } }) => state.status === 'active' && state.lastActivityAt < time)
      .map(({ origin, tip }) => toSession(origin, tip))
  }

  async findExact(sessionId: string): Promise<FoundSession | undefined> {
    const found = await this.findProjected(sessionId)
    return found && this.#toExact(found)
  }

  /** As the session's document says, which may be behind the log. */
  async findProjected(sessionId: string): Promise<FoundSession | undefined> {
    return this.#findOne({ _id: toKey(sessionId) })
  }

  /** The end of a log; `known` where it is that. */
  async readTip(sessionId: string, known: LogTip): Promise<LogTip> {
    const [entry] = await this.#mongo.messages
      .find({ sessionId: toKey(sessionId) }, BOUNDED)
      .project({ seq: 1, state: 1, stateSealed: 1 })
      .sort({ seq: -1 })
      .limit(1)
      .toArray()
    if (!entry || entry.seq === known.seq) return known
    const { seq, state, stateSealed }: Record<string, unknown> = entry
    return toTip(this.#deps, sessionId, { seq, state, stateSealed })
  }

  /** A log has no holes, so an entry is its last where the next seq is free. */
  async #isLast(sessionId: string, seq: number): Promise<boolean> {
    const next = { sessionId, seq: seq + 1 }
    return !(await this.#mongo.messages.findOne(next, { ...BOUNDED, projection: { _id: 1 } }))
  }

  /**
   * The session with the end of its log. A copy that is behind is mended before anybody builds on it:
   * it may hold the key of a session that has ended.
   */
  async #toExact({ origin, tip }: FoundSession): Promise<FoundSession> {
    if (tip.state.status === 'ended') return { origin, tip }
    if (await this.#isLast(origin.id, tip.seq)) return { origin, tip }
    const newest = await this.readTip(origin.id, tip)
    const { status } = newest.state
    // In a state of a later version only that version knows what becomes of the key.
    if (status === 'active' || status === 'ended') {
      await this.#tips.write(origin, toStateRecord(this.#deps, origin.id, newest))
    }
    return { origin, tip: newest }
  }

  /** The session of this id, where the same call was made before and its answer was lost. */
  async #findOwn(session: NewSession): Promise<Session | undefined> {
    const found = await this.findExact(session.id)
    if (!found) return undefined
    if (found.origin.userId !== session.userId) throw idTaken()
    return toSession(found.origin, found.tip)
  }

  async #insert(document: SessionDocument): Promise<boolean> {
    try {
      await this.#mongo.sessions.insertOne(document, BOUNDED)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  async #findOne(filter: Filter<SessionDocument>): Promise<FoundSession | undefined> {
    const document = await this.#mongo.sessions.findOne(filter, BOUNDED)
    return document ? this.#toFound(document) : undefined
  }

  #toDocument(origin: SessionOrigin, tip: LogTip): SessionDocument {
    const { id, ...rest } = toOriginRecord(this.#deps, origin)
    const after = toStateRecord(this.#deps, id, tip)
    const { status, lastActivityAt } = tip.state
    const activeKey = toActiveKey(origin, tip.state)
    return { _id: id, ...rest, ...after, activeKey, status, lastActivityAt }
  }

  #toFound(document: { _id: string }): FoundSession {
    const parsed = documentSchema.safeParse(document)
    if (!parsed.success) throw refuseSession(this.#deps, document._id)
    const { _id: id, userId, startedAt, sealed, ...stored } = parsed.data
    return {
      origin: toOrigin(this.#deps, { id, userId, startedAt, sealed }),
      tip: toTip(this.#deps, id, stored),
    }
  }

  /** One session that cannot be read, which was reported, does not take the list with it. */
  #toReadable(documents: { _id: string }[]): FoundSession[] {
    return documents.flatMap((document) => {
      try {
        return [this.#toFound(document)]
      } catch (error) {
        if (isRefused(error)) return []
        throw error
      }
    })
  }
}

function skipRefused(error: unknown): undefined {
  if (isRefused(error)) return undefined
  throw error
}

function toAfter(cursor: string): Filter<SessionDocument> {
  const { lastActivityAt, id } = parseCursor(cursor)
  return {
    $or: [{ lastActivityAt: { $lt: lastActivityAt } }, { lastActivityAt, _id: { $lt: id } }],
  }
}
