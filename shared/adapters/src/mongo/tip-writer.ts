import type { SessionOrigin } from '@chatbox/core'
import type { RecordDeps } from '../store/record-deps.ts'
import { toActiveKey, type StateRecord } from '../store/session-record.ts'
import { BOUNDED, type MongoConnection } from './connection.ts'
import type { FoundSession } from './documents.ts'

interface Copy {
  found: FoundSession
  record: StateRecord
}

const WRITERS = 8
const MAX_WAITING = 1000

/**
 * Copies the end of a log into its session's document, where lists and the one active session a
 * user are read. An append of text does not wait for it: the log is durable without, a copy that
 * is lost or late is seen by whoever reads one session exactly, and mended then. Of many tips of
 * one session only the newest is written.
 */
export class TipWriter {
  readonly #mongo: MongoConnection
  readonly #hooks: RecordDeps['hooks']
  readonly #waiting = new Map<string, Copy>()
  readonly #writing = new Map<string, Copy>()
  readonly #writers = new Set<Promise<void>>()

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
    if (this.#writers.size >= WRITERS) return
    const writer = this.#drain().finally(() => this.#writers.delete(writer))
    this.#writers.add(writer)
  }

  /** Never rejects: the entry that led to the tip is stored, whatever happens to its copy. */
  async write(origin: SessionOrigin, { seq, state, stateSealed }: StateRecord): Promise<void> {
    const { status, lastActivityAt } = state
    const activeKey = toActiveKey(origin, state)
    const copy = { seq, state, stateSealed, status, lastActivityAt, activeKey }
    try {
      const isBehind = { _id: origin.id, seq: { $lt: seq } }
      await this.#mongo.call(() =>
        this.#mongo.sessions.updateOne(isBehind, { $set: copy }, BOUNDED),
      )
    } catch (error) {
      this.#hooks.onError('mongo', error)
    }
  }

  /** Returns when nothing waits any more. */
  async flush(): Promise<void> {
    while (this.#writers.size > 0) await Promise.all(this.#writers)
  }

  async #drain(): Promise<void> {
    for (const [sessionId, copy] of this.#waiting) {
      this.#waiting.delete(sessionId)
      this.#writing.set(sessionId, copy)
      await this.write(copy.found.origin, copy.record)
      if (this.#writing.get(sessionId) === copy) this.#writing.delete(sessionId)
    }
  }
}
