import { describe } from '@jest/globals'
import { describeStore } from '../contract/store.contract.ts'
import { describeWithMongo } from '../contract/mongo.support.ts'
import { besideNextVersion } from './beside-next-version.ts'
import { openSharedMongo } from './open-shared-mongo.ts'
import { openSharedSqlite } from './open-shared-sqlite.ts'

describe('Store on SQLite, beside the next version', () => {
  describeStore(besideNextVersion(openSharedSqlite))
})

describeWithMongo('Store on MongoDB, beside the next version', () => {
  describeStore(besideNextVersion(openSharedMongo))
})
