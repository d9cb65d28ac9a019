import type { ConversationRefs } from '@chatbox/core'
import { toContext } from '../sealed/key-ring.ts'
import { openJson, sealJson, type RecordDeps } from '../sealed/record-deps.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import { isDuplicateKey } from './client/deadline.ts'
import { toKey } from './documents.ts'

export class MongoConversationRefs implements ConversationRefs {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  async read(sessionId: string, modelId: string): Promise<string | undefined> {
    const _id = toId(sessionId, modelId)
    const found = await this.#mongo.conversations.findOne({ _id }, BOUNDED)
    const ref = openJson(this.#deps, found?.sealed, toContext('ref', sessionId, modelId))
    return typeof ref === 'string' ? ref : undefined
  }

  async save(sessionId: string, modelId: string, ref: string): Promise<void> {
    const sealed = sealJson(this.#deps, ref, toContext('ref', sessionId, modelId))
    const save = () =>
      this.#mongo.conversations.updateOne(
        { _id: toId(sessionId, modelId) },
        { $set: { sealed } },
        { ...BOUNDED, upsert: true },
      )
    // Of two first writes at once, one fails to insert and then finds a document to update.
    await save().catch((error: unknown) => {
      if (isDuplicateKey(error)) return save()
      throw error
    })
  }
}

function toId(sessionId: string, modelId: string): string {
  return toKey(`${toKey(sessionId)}/${toKey(modelId)}`)
}
