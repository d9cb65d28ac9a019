import { describeStore } from './store.contract.ts'
import { describeWithMongo, openMongoHarness, openMongoLab } from './mongo.support.ts'

describeWithMongo('The store on MongoDB', () => {
  describeStore(async () => openMongoHarness(await openMongoLab()))
})
