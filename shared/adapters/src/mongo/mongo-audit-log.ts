import type { AuditEntry, AuditEvent, AuditFilter, AuditLog } from '@chatbox/core'
import {
  EMPTY_CHAIN,
  toAuditEntry,
  toAuditRecord,
  type AuditRecord,
  type AuditTail,
} from '../sealed/audit-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { BOUNDED } from './client/client.ts'
import type { CheckTime, MongoConnection } from './client/connection.ts'
import { isDuplicateKey } from './client/errors.ts'
import { toKey, type AuditDocument } from './documents.ts'
import { KeyedQueue } from './keyed-queue.ts'

/** The seq is the key, so of two writers on one head the second finds its place taken. */
export class MongoAuditLog implements AuditLog {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly #queue = new KeyedQueue()

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  async append(event: AuditEvent): Promise<AuditEntry> {
    const checkTime = this.#mongo.startTimer()
    return this.#queue.run('audit', checkTime, () => this.#append(event, checkTime))
  }

  async list({ actor, action, after, limit }: AuditFilter): Promise<AuditEntry[]> {
    const filter = {
      ...(actor === undefined ? {} : { actor: toKey(actor) }),
      ...(action === undefined ? {} : { action: toKey(action) }),
      ...(after === undefined ? {} : { _id: { $lt: after } }),
    }
    const documents = this.#mongo.audit.find(filter, BOUNDED).sort({ _id: -1 }).limit(limit)
    return (await documents.toArray()).map((document) => this.#toEntry(document))
  }

  async read(seq: number, limit: number): Promise<AuditEntry[]> {
    const documents = this.#mongo.audit.find({ _id: { $gt: seq } }, BOUNDED).sort({ _id: 1 })
    return (await documents.limit(limit).toArray()).map((document) => this.#toEntry(document))
  }

  async remove(upToSeq: number): Promise<void> {
    await this.#mongo.audit.deleteMany({ _id: { $lte: upToSeq } }, BOUNDED)
  }

  async #append(event: AuditEvent, checkTime: CheckTime): Promise<AuditEntry> {
    for (;;) {
      const record = toAuditRecord(this.#deps.cipher, await this.#findTail(), event)
      if (await this.#insert(record)) return toAuditEntry(this.#deps.cipher, record)
      checkTime()
    }
  }

  async #findTail(): Promise<AuditTail> {
    const [last] = await this.#mongo.audit.find({}, BOUNDED).sort({ _id: -1 }).limit(1).toArray()
    return last ? { seq: last._id, hash: last.hash } : EMPTY_CHAIN
  }

  /** Returns false if another writer was faster. */
  async #insert({ seq, ...record }: AuditRecord): Promise<boolean> {
    try {
      await this.#mongo.audit.insertOne({ _id: seq, ...record }, BOUNDED)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  #toEntry({ _id: seq, ...record }: AuditDocument): AuditEntry {
    return toAuditEntry(this.#deps.cipher, { seq, ...record })
  }
}
