import { describeAuditChain } from './audit-log.contract.ts'
import { describeStore } from './store.contract.ts'
import { describeWithMongo, openMongoHarness, openMongoLab } from './mongo.support.ts'

describeWithMongo('The store on MongoDB', () => {
  describeAuditChain(async () => openMongoHarness(await openMongoLab()))
  describeStore(async () => openMongoHarness(await openMongoLab()))
})
