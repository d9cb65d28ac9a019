import { afterAll, describe } from '@jest/globals'
import { openMongoStore } from '../../shared/adapters/src/mongo/mongo-chat-store.ts'
import { MongoClient } from 'mongodb'
import { newMongoDatabase, startMongo } from '../../scripts/servers/mongo.ts'
import { describeChatStoreLog } from './chat-store.contract.ts'
import { describeChatStoreOutbox } from './chat-store.outbox.contract.ts'
import { createHooks, newKeyRing, type StoreHarness } from './chat-store.support.ts'

const mongo = await startMongo()

async function openMongo(): Promise<StoreHarness> {
  const { uri } = mongo
  const database = newMongoDatabase()
  const cipher = newKeyRing()
  const open = () => openMongoStore({ uri, database, cipher, hooks: createHooks() })
  const store = await open()
  const client = await new MongoClient(uri).connect()
  const messages = client.db(database).collection<{ _id: string; sealed: string }>('messages')
  return {
    store,
    openSecond: open,
    async swapSealed(a, b) {
      const [ofA, ofB] = [await messages.findOne({ _id: a }), await messages.findOne({ _id: b })]
      await messages.updateOne({ _id: a }, { $set: { sealed: ofB?.sealed ?? '' } })
      await messages.updateOne({ _id: b }, { $set: { sealed: ofA?.sealed ?? '' } })
    },
    async close() {
      await store.close()
      await client.db(database).dropDatabase()
      await client.close()
    },
  }
}

afterAll(() => mongo.stop())

describe('ChatStore on MongoDB', () => {
  describeChatStoreLog(openMongo)
  describeChatStoreOutbox(openMongo)
})
