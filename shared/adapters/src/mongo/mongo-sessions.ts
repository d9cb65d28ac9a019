import type { Session } from '@chatbox/contract'
import {
  initialState,
  toSession,
  type LogHead,
  type NewSession,
  type SessionOrigin,
  type SessionPage,
  type Sessions,
} from '@chatbox/core'
import type { Filter } from 'mongodb'
import { idTaken } from '../sealed/message-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import {
  readEach,
  skipRefused,
  parseCursor,
  toActiveKey,
  toCursor,
  toOrigin,
  toOriginRecord,
  toStateRecord,
  toHead,
  toUserKey,
  withNotedActivity,
} from '../sealed/session-record.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import { isDuplicateKey, unavailable } from './client/errors.ts'
import { toKey, type FoundSession, type SessionDocument } from './documents.ts'
import type { HeadCache } from './head-cache.ts'

const CREATE_ATTEMPTS = 5
export class MongoSessions implements Sessions {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly heads: HeadCache

  constructor(mongo: MongoConnection, deps: RecordDeps, heads: HeadCache) {
    this.#mongo = mongo
    this.#deps = deps
    this.heads = heads
  }

  async create(session: NewSession): Promise<{ session: Session; created: boolean }> {
    const { id, userId, userName, startedAt } = session
    const head = { seq: 0, state: initialState(session.modelId, startedAt) }
    const changedAt = await this.#mongo.clock.now()
    const document = this.#toDocument({ id, userId, userName, startedAt }, head, changedAt)
    for (let attempt = 0; attempt < CREATE_ATTEMPTS; attempt++) {
      if (await this.#insert(document)) {
        return { session: toSession({ id, userId, userName, startedAt }, head), created: true }
      }
      const existing = (await this.findActive(userId)) ?? (await this.#findOwn(session))
      if (existing) return { session: existing, created: false }
      // The session that blocked this one has ended, so its key is free now.
    }
    throw unavailable()
  }

  async find(sessionId: string): Promise<Session | undefined> {
    const found = await this.findExact(sessionId)
    return found && toSession(found.origin, found.head)
  }

  async findHead(sessionId: string, knownSeq: number): Promise<number | undefined> {
    if (knownSeq > 0 && (await this.#isLast(toKey(sessionId), knownSeq))) return knownSeq
    return (await this.findExact(sessionId))?.head.seq
  }

  async findActive(userId: string): Promise<Session | undefined> {
    const document = await this.#findOne({ activeKey: toUserKey(toKey(userId)) })
    if (!document) return undefined
    const { origin, head } = await this.toExact(document)
    return head.state.status === 'active' ? toSession(origin, head) : undefined
  }

  async list(userId: string, page: { limit: number; cursor?: string }): Promise<SessionPage> {
    const after = page.cursor === undefined ? {} : toAfter(page.cursor)
    const documents = await this.#mongo.sessions
      .find({ userId: toKey(userId), ...after }, BOUNDED)
      .sort({ lastActivityAt: -1, _id: -1 })
      .limit(page.limit + 1)
      .toArray()
    const last = documents.length > page.limit ? documents[page.limit - 1] : undefined
    const sessions = readEach(documents.slice(0, page.limit), (document) => this.toFound(document))
    return {
      sessions: sessions.map(({ origin, head }) => toSession(origin, head)),
      nextCursor: last ? toCursor({ id: last._id, lastActivityAt: last.lastActivityAt }) : null,
    }
  }

  async noteActivity(sessionId: string, at: Date): Promise<void> {
    const lastActivityAt = at.toISOString()
    await this.#mongo.sessions.updateOne(
      { _id: toKey(sessionId), status: 'active', lastActivityAt: { $lt: lastActivityAt } },
      { $set: { lastActivityAt } },
      BOUNDED,
    )
  }

  /** Sessions in this list will be ended, so each is checked against its log. */
  async listIdle(before: Date, limit: number): Promise<Session[]> {
    const time = before.toISOString()
    const documents = await this.#mongo.sessions
      .find({ status: 'active', lastActivityAt: { $lt: time } }, BOUNDED)
      .sort({ lastActivityAt: 1 })
      .limit(limit)
      .toArray()
    const found = await Promise.all(
      readEach(documents, (document) => this.toFound(document)).map((session) =>
        this.toExact(session).catch(skipRefused),
      ),
    )
    return found
      .filter((session) => session !== undefined)
      .filter(({ head: { state } }) => state.status === 'active' && state.lastActivityAt < time)
      .map(({ origin, head }) => toSession(origin, head))
  }

  async findExact(sessionId: string): Promise<FoundSession | undefined> {
    const found = await this.findProjected(sessionId)
    return found && this.toExact(found)
  }

  /** Reads the session's document, which may be behind the log. */
  async findProjected(sessionId: string): Promise<FoundSession | undefined> {
    return this.#findOne({ _id: toKey(sessionId) })
  }

  /** A log has no gaps, so an entry is the last one if the next seq is free. */
  async #isLast(sessionId: string, seq: number): Promise<boolean> {
    const next = { sessionId, seq: seq + 1 }
    return !(await this.#mongo.messages.findOne(next, { ...BOUNDED, projection: { _id: 1 } }))
  }

  /**
   * Returns the session with the head of its log. Repairs an old projection first, because it may
   * hold the key of a session that has ended.
   */
  async toExact({ origin, head }: FoundSession): Promise<FoundSession> {
    if (head.state.status === 'ended') return { origin, head }
    if (await this.#isLast(origin.id, head.seq)) return { origin, head }
    const newest = await this.heads.read(origin.id, head)
    const { status } = newest.state
    // If the state is of a later version, only that version knows what happens to the key.
    if (status === 'active' || status === 'ended') {
      await this.heads.project(origin, toStateRecord(this.#deps, origin.id, newest))
    }
    return { origin, head: newest }
  }

  /** Returns the session with this id if an earlier call created it and its answer was lost. */
  async #findOwn(session: NewSession): Promise<Session | undefined> {
    const found = await this.findExact(session.id)
    if (!found) return undefined
    if (found.origin.userId !== session.userId) throw idTaken()
    return toSession(found.origin, found.head)
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
    return document ? this.toFound(document) : undefined
  }

  #toDocument(origin: SessionOrigin, head: LogHead, changedAt: Date): SessionDocument {
    const record = toOriginRecord(this.#deps, origin)
    const after = toStateRecord(this.#deps, origin.id, head)
    const { status, lastActivityAt } = head.state
    const activeKey = toActiveKey(origin, head.state)
    return { _id: origin.id, ...record, ...after, activeKey, status, lastActivityAt, changedAt }
  }

  toFound(document: SessionDocument): FoundSession {
    const { _id: id, userId, startedAt, sealed, seq, state, stateSealed } = document
    const head = toHead(this.#deps, id, { seq, state, stateSealed })
    return {
      origin: toOrigin(this.#deps, id, { userId, startedAt, sealed }),
      head: withNotedActivity(head, document.lastActivityAt),
    }
  }
}

function toAfter(cursor: string): Filter<SessionDocument> {
  const { lastActivityAt, id } = parseCursor(cursor)
  return {
    $or: [{ lastActivityAt: { $lt: lastActivityAt } }, { lastActivityAt, _id: { $lt: id } }],
  }
}
