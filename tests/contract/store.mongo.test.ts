import { afterAll } from '@jest/globals'
import { describeStore } from './store.contract.ts'
import { describeWithMongo, mongo, openMongoHarness, openMongoLab } from './mongo.support.ts'

afterAll(() => mongo?.stop())

describeWithMongo('The store on MongoDB', () => {
  describeStore(async () => openMongoHarness(await openMongoLab()))
})
