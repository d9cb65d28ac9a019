import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionOrigin } from '@chatbox/core'
import type { AnyBulkWriteOperation } from 'mongodb'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { toActiveKey, type StateRecord } from '../sealed/session-record.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import type { FoundSession, SessionDocument } from './documents.ts'

interface Copy {
  found: FoundSession
  record: StateRecord
}

const MAX_WAITING = 1000
const MAX_BATCH = 200
/** Whoever appended has somebody waiting for an answer, which a write of its own would hold up. */
const GATHER_MS = 100

/**
 * Copies the end of a log into its session's document, where lists and the one active session a
 * user are read. An append of text does not wait for it: the log is durable without, a copy that
 * is lost or late is seen by whoever reads one session exactly, and mended then. Copies gather and
 * leave together, and of many tips of one session only the newest is written.
 */
export class TipWriter {
  readonly #mongo: MongoConnection
  readonly #hooks: RecordDeps['hooks']
  readonly #waiting = new Map<string, Copy>()
  readonly #writing = new Map<string, Copy>()
  readonly #flushing = new AbortController()
  #drained: Promise<void> | undefined

  constructor(mongo: MongoConnection, hooks: RecordDeps['hooks']) {
    this.#mongo = mongo
    this.#hooks = hooks
  }

  /**
   * What the document will say soon. Who appends meanwhile builds on it: the document's own tip is
   * known to be old, and an insert behind that would only collide.
   */
  findUnwritten(sessionId: string): FoundSession | undefined {
    return (this.#waiting.get(sessionId) ?? this.#writing.get(sessionId))?.found
  }

  /** Soon; at once where too many wait already. */
  async put(found: FoundSession, record: StateRecord): Promise<void> {
    const { id } = found.origin
    if (this.#waiting.size >= MAX_WAITING) return this.write(found.origin, record)
    const newest = this.#waiting.get(id)
    if (!newest || newest.record.seq < record.seq) this.#waiting.set(id, { found, record })
    this.#drained ??= this.#drain()
  }

  /** Never rejects: the entry that led to the tip is stored, whatever happens to its copy. */
  async write(origin: SessionOrigin, record: StateRecord): Promise<void> {
    await this.#writeAll([toUpdate(origin, record)])
  }

  /** Resolves when nothing waits any more; from now on nothing is gathered. */
  async flush(): Promise<void> {
    this.#flushing.abort()
    await this.#drained
  }

  async #drain(): Promise<void> {
    while (this.#waiting.size > 0) {
      await sleep(GATHER_MS, undefined, { signal: this.#flushing.signal }).catch(() => undefined)
      for (const [id, copy] of [...this.#waiting].slice(0, MAX_BATCH)) {
        this.#waiting.delete(id)
        this.#writing.set(id, copy)
      }
      const copies = [...this.#writing.values()]
      await this.#writeAll(copies.map(({ found, record }) => toUpdate(found.origin, record)))
      this.#writing.clear()
    }
    // In the same turn as the look at what waits: a tip that comes next begins anew.
    this.#drained = undefined
  }

  async #writeAll(updates: AnyBulkWriteOperation<SessionDocument>[]): Promise<void> {
    try {
      await this.#mongo.call(() =>
        // Each for itself: one that is refused takes no other with it.
        this.#mongo.sessions.bulkWrite(updates, { ...BOUNDED, ordered: false }),
      )
    } catch (error) {
      this.#hooks.onError('mongo', error)
    }
  }
}

function toUpdate(
  origin: SessionOrigin,
  { seq, state, stateSealed }: StateRecord,
): AnyBulkWriteOperation<SessionDocument> {
  const { status, lastActivityAt } = state
  const activeKey = toActiveKey(origin, state)
  const copy = { seq, state, stateSealed, status, lastActivityAt, activeKey }
  return { updateOne: { filter: { _id: origin.id, seq: { $lt: seq } }, update: { $set: copy } } }
}
