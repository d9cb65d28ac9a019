import {
  CHANGE_KNOWN_MS,
  type Revocation,
  type RevocationChange,
  type RevocationMark,
  type Revocations,
} from '@chatbox/core'
import type { Filter } from 'mongodb'
import { toRevocation } from '../common/to-revocation.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import { isDuplicateKey } from './client/errors.ts'
import { toKey, type RevocationDocument } from './documents.ts'

export class MongoRevocations implements Revocations {
  readonly #mongo: MongoConnection

  constructor(mongo: MongoConnection) {
    this.#mongo = mongo
  }

  async put({ userId, reason, before, by }: Revocation): Promise<void> {
    const now = await this.#mongo.clock.now()
    const _id = toKey(userId)
    const replaceable: Filter<RevocationDocument> =
      reason === 'shut_out' ? {} : { $or: [{ reason: { $ne: 'shut_out' } }, { ended: true }] }
    const put = () =>
      this.#mongo.revocations.updateOne(
        { _id, ...replaceable },
        { $set: { reason, before, by, ended: false, changedAt: now } },
        { ...BOUNDED, upsert: true },
      )
    // The insert of a change of roles fails while its user is shut out, and so does the first write
    // of two that race. The second try tells them apart.
    await put().catch(async (error: unknown) => {
      if (!isDuplicateKey(error)) throw error
      await put().catch(ignoreDuplicate)
    })
    await this.#forget(now)
  }

  async end(userId: string): Promise<boolean> {
    const changedAt = await this.#mongo.clock.now()
    const filter = { _id: toKey(userId), ended: false }
    const change = { $set: { ended: true, changedAt } }
    return (await this.#mongo.revocations.updateOne(filter, change, BOUNDED)).matchedCount > 0
  }

  async find(userId: string): Promise<Revocation | undefined> {
    const found = await this.#mongo.revocations.findOne({ _id: toKey(userId) }, BOUNDED)
    return found ? toChange(found).revocation : undefined
  }

  async listChanges(
    mark: RevocationMark | undefined,
    limit: number,
  ): Promise<{ changes: RevocationChange[]; last: RevocationMark | undefined }> {
    const documents = await this.#mongo.revocations
      .find(mark ? toAfter(mark) : {}, BOUNDED)
      .sort({ changedAt: 1, _id: 1 })
      .limit(limit)
      .toArray()
    const newest = documents.at(-1)
    return {
      changes: documents.map(toChange),
      last: newest && { changedAt: newest.changedAt, userId: newest._id },
    }
  }

  async #forget(now: Date): Promise<void> {
    const changedAt = { $lt: new Date(now.getTime() - CHANGE_KNOWN_MS) }
    const over = { $or: [{ ended: true }, { reason: 'roles_changed' }] }
    await this.#mongo.revocations.deleteMany({ changedAt, ...over }, BOUNDED)
  }
}

function toAfter({ changedAt, userId }: RevocationMark): Filter<RevocationDocument> {
  return { $or: [{ changedAt: { $gt: changedAt } }, { changedAt, _id: { $gt: toKey(userId) } }] }
}

function toChange({
  _id: userId,
  reason,
  before,
  by,
  ended,
}: RevocationDocument): RevocationChange {
  return toRevocation({ userId, reason, before, by }, ended)
}

function ignoreDuplicate(error: unknown): void {
  if (!isDuplicateKey(error)) throw error
}
