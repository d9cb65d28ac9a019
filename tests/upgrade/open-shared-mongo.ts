import { MongoClient, type Db, type Document } from 'mongodb'
import { newMongoDatabase } from '../environment/servers/mongo.ts'
import { openMongoStore } from '../../shared/adapters/src/mongo/open-mongo-store.ts'
import { mongo } from '../contract/mongo.support.ts'
import { ADDED, findUnmarked, NEXT_TEXT } from './next-version.ts'
import { createParts, type RawEntry, type RawState, type SharedStore } from './shared-store.ts'

export interface SharedMongo extends SharedStore {
  db: Db
}

export async function openSharedMongo(): Promise<SharedMongo> {
  if (!mongo) throw new Error('there is no MongoDB-compatible server')
  const { uri } = mongo
  const database = newMongoDatabase()
  const { closeAll, ...parts } = createParts((cipher, hooks) =>
    openMongoStore({ uri, database, cipher, hooks }),
  )
  const client = await new MongoClient(uri).connect()
  const db = client.db(database)
  const messages = db.collection<{ _id: string; sessionId: string; sealed: string }>('messages')
  const sessions = db.collection<{ _id: string }>('sessions')
  const setMessage = async (_id: string, fields: Document): Promise<void> => {
    await messages.updateOne({ _id }, { $set: fields })
  }

  return {
    ...parts,
    db,
    upgrade: () => upgradeDocuments(db),
    async readRows(sessionId) {
      const documents = await messages.find({ sessionId }).sort({ seq: 1 }).toArray()
      return documents.map(({ _id: id, ...row }) => ({ id, ...row })) as unknown as RawEntry[]
    },
    readSession: async (_id) => (await sessions.findOne({ _id })) as unknown as RawState,
    readSealed: async (_id) => (await messages.findOne({ _id }))?.sealed ?? '',
    replaceSealed: (id, sealed) => setMessage(id, { sealed }),
    setReplyState: (id, state) => setMessage(id, { 'tasks.reply.state': state }),
    async setStatus(sessionId, status) {
      await messages.updateMany({ sessionId }, { $set: { 'state.status': status } })
      await sessions.updateOne({ _id: sessionId }, { $set: { 'state.status': status, status } })
    },
    async close() {
      await closeAll()
      await db.dropDatabase()
      await client.close()
    },
  }
}

/** A field more in every object. One by one, because others write to the documents meanwhile. */
async function upgradeDocuments(db: Db): Promise<void> {
  for (const { name } of await db.listCollections().toArray()) {
    const collection = db.collection<{ _id: string }>(name)
    for (const document of await collection.find().toArray()) {
      const added = findUnmarked(document).map(
        (path) => [path === '' ? ADDED : `${path}.${ADDED}`, { text: NEXT_TEXT }] as const,
      )
      if (added.length === 0) continue
      await collection.updateOne({ _id: document._id }, { $set: Object.fromEntries(added) })
    }
  }
}
