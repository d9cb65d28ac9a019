import { afterAll } from '@jest/globals'
import { describeChatStore } from './chat-store.contract.ts'
import type { StoreHarness } from './chat-store.support.ts'
import { describeWithMongo, mongo, openMongoLab } from './mongo.support.ts'

async function openMongo(): Promise<StoreHarness> {
  const lab = await openMongoLab()
  const messages = lab.db.collection<{ _id: string; sealed: string }>('messages')
  return {
    store: await lab.open(),
    openSecond: () => lab.open(),
    async swapSealed(a, b) {
      const [ofA, ofB] = [await messages.findOne({ _id: a }), await messages.findOne({ _id: b })]
      await messages.updateOne({ _id: a }, { $set: { sealed: ofB?.sealed ?? '' } })
      await messages.updateOne({ _id: b }, { $set: { sealed: ofA?.sealed ?? '' } })
    },
    close: () => lab.close(),
  }
}

afterAll(() => mongo?.stop())

describeWithMongo('ChatStore on MongoDB', () => {
  describeChatStore(openMongo)
})
