import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '@chatbox/contract'
import { settlesWithin, type LogHead, type SessionOrigin } from '@chatbox/core'
import type { AnyBulkWriteOperation } from 'mongodb'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { toActiveKey, toHead, type StateRecord } from '../sealed/session-record.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import type { FoundSession, SessionDocument } from './documents.ts'

interface Projection {
  found: FoundSession
  record: StateRecord
}

/** A session whose head has moved. */
interface Moved {
  origin: SessionOrigin
  record: StateRecord
}

/** About 2 KB each. */
export const MAX_KNOWN = 1000
const MAX_WAITING = 1000
const MAX_BATCH = 200
/** The sender of an append waits for it, and a separate write of the projection would delay it. */
const GATHER_MS = 100
const EVENT_WAIT_MS = 500

/**
 * Caches the heads of the logs that this process opened or appended to last, and writes their
 * projections to the session documents. Lists and the lookup of a user's active session read these
 * documents. A head may be old at any time. An insert after an old head violates the unique index,
 * and then the log is read. A projection may be old too: the log is durable without it, and a
 * reader of one session compares the two and repairs it. Projections are written in batches; for
 * each session only the newest one is written.
 */
export class HeadCache {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly #known = new Map<string, FoundSession>()
  readonly #waiting = new Map<string, Projection>()
  readonly #writing = new Map<string, Projection>()
  readonly #flushing = new AbortController()
  #drained: Promise<void> | undefined

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  /**
   * Also a head that the session's document will contain soon. Its current content is known to be
   * old.
   */
  find(sessionId: string): FoundSession | undefined {
    const unwritten = this.#waiting.get(sessionId) ?? this.#writing.get(sessionId)
    return this.#known.get(sessionId) ?? unwritten?.found
  }

  keep(found: FoundSession): void {
    const { id } = found.origin
    this.#known.delete(id)
    this.#known.set(id, found)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest)
  }

  /** Returns the head of a log, or `known` if that is the head. */
  async read(sessionId: string, known: LogHead): Promise<LogHead> {
    const [entry] = await this.#mongo.messages
      .find({ sessionId }, BOUNDED)
      .project({ seq: 1, state: 1, stateSealed: 1 })
      .sort({ seq: -1 })
      .limit(1)
      .toArray()
    if (!entry || entry.seq === known.seq) return known
    const { seq, state, stateSealed }: Record<string, unknown> = entry
    return toHead(this.#deps, sessionId, { seq, state, stateSealed })
  }

  /** Rereads a cached head after another process has moved it. */
  async refresh(sessionId: string): Promise<void> {
    const before = this.#known.get(sessionId)
    if (!before) return
    const { origin } = before
    const head = await this.read(sessionId, before.head)
    // Other calls have continued in the meantime.
    const known = this.#known.get(sessionId)
    if (known && known.head.seq < head.seq) this.#known.set(sessionId, { origin, head })
  }

  /**
   * Records the result of an append of `message`. `record` is the stored head, or undefined if the
   * entry already existed.
   */
  async advance(found: FoundSession, message: Message, record?: StateRecord): Promise<void> {
    // Another process writes the entry after a reply; this process would only collide with it.
    if (message.sender.type === 'ai') this.#known.delete(found.origin.id)
    else this.keep(found)
    if (!record) return
    // State changes are rare and lists filter by them, so these wait a while for their projection.
    if (message.event) await settlesWithin(EVENT_WAIT_MS, this.project(found.origin, record))
    else await this.#projectSoon(found, record)
  }

  /** Never rejects: the entry that led to the head is stored even if its projection fails. */
  async project(origin: SessionOrigin, record: StateRecord): Promise<void> {
    await this.#write([{ origin, record }])
  }

  /** Resolves when no projection is waiting. From now on none are batched. */
  async flush(): Promise<void> {
    this.#flushing.abort()
    await this.#drained
  }

  /** Writes at once if too many are waiting. */
  async #projectSoon(found: FoundSession, record: StateRecord): Promise<void> {
    const { id } = found.origin
    if (this.#waiting.size >= MAX_WAITING) return this.project(found.origin, record)
    const newest = this.#waiting.get(id)
    if (!newest || newest.record.seq < record.seq) this.#waiting.set(id, { found, record })
    this.#drained ??= this.#drain()
  }

  async #drain(): Promise<void> {
    while (this.#waiting.size > 0) {
      await sleep(GATHER_MS, undefined, { signal: this.#flushing.signal }).catch(() => undefined)
      for (const [id, projection] of [...this.#waiting].slice(0, MAX_BATCH)) {
        this.#waiting.delete(id)
        this.#writing.set(id, projection)
      }
      const projections = [...this.#writing.values()]
      await this.#write(projections.map(({ found: { origin }, record }) => ({ origin, record })))
      this.#writing.clear()
    }
    // This runs in the same turn as the check above, so a later projection starts a new batch.
    this.#drained = undefined
  }

  async #write(moved: readonly Moved[]): Promise<void> {
    try {
      const ended = moved.filter(({ record: { state } }) => state.status !== 'active')
      if (ended.length > 0) await this.#deleteDrafts(ended)
      await this.#mongo.call(() =>
        // Unordered, so that a refused projection does not affect the others.
        this.#mongo.sessions.bulkWrite(moved.map(toUpdate), { ...BOUNDED, ordered: false }),
      )
    } catch (error) {
      this.#deps.hooks.onError('mongo', error)
    }
  }

  /**
   * Of sessions that have ended. Before their projections, so that a repair of those repeats it if
   * this process dies.
   */
  async #deleteDrafts(ended: readonly Moved[]): Promise<void> {
    const sessionId = { $in: ended.map(({ origin }) => origin.id) }
    await this.#mongo.call(() => this.#mongo.deskDrafts.deleteMany({ sessionId }, BOUNDED))
  }
}

function toUpdate({
  origin,
  record: { seq, state, stateSealed },
}: Moved): AnyBulkWriteOperation<SessionDocument> {
  const { status, lastActivityAt } = state
  const activeKey = toActiveKey(origin, state)
  const projection = { seq, state, stateSealed, status, lastActivityAt, activeKey }
  return {
    updateOne: {
      filter: { _id: origin.id, seq: { $lt: seq } },
      update: { $set: projection, $currentDate: { changedAt: true } },
    },
  }
}
