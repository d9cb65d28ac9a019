import type { SessionOrigin } from '@chatbox/core'
import type { RecordDeps } from '../store/record-deps.ts'
import { toActiveKey, type StateRecord } from '../store/session-record.ts'
import { BOUNDED, type MongoConnection } from './connection.ts'

type Origin = Pick<SessionOrigin, 'id' | 'userId'>

const WRITERS = 4
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
  readonly #waiting = new Map<string, { origin: Origin; tip: StateRecord }>()
  readonly #writers = new Set<Promise<void>>()

  constructor(mongo: MongoConnection, hooks: RecordDeps['hooks']) {
    this.#mongo = mongo
    this.#hooks = hooks
  }

  /** Soon; at once where too many wait already. */
  async put(origin: Origin, tip: StateRecord): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING) return this.write(origin, tip)
    const newest = this.#waiting.get(origin.id)
    if (!newest || newest.tip.seq < tip.seq) this.#waiting.set(origin.id, { origin, tip })
    if (this.#writers.size >= WRITERS) return
    const writer = this.#drain().finally(() => this.#writers.delete(writer))
    this.#writers.add(writer)
  }

  /** Never rejects: the entry that led to the tip is stored, whatever happens to its copy. */
  async write(origin: Origin, { seq, state, stateSealed }: StateRecord): Promise<void> {
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
    for (const [sessionId, { origin, tip }] of this.#waiting) {
      this.#waiting.delete(sessionId)
      await this.write(origin, tip)
    }
  }
}
