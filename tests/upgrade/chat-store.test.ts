import { afterAll, describe } from '@jest/globals'
import { describeChatStore } from '../contract/chat-store.contract.ts'
import { describeWithMongo, mongo } from '../contract/mongo.support.ts'
import { besideNextVersion } from './beside-next-version.ts'
import { openSharedMongo } from './open-shared-mongo.ts'
import { openSharedSqlite } from './open-shared-sqlite.ts'

afterAll(() => mongo?.stop())

describe('ChatStore on SQLite, beside the next version', () => {
  describeChatStore(besideNextVersion(openSharedSqlite))
})

describeWithMongo('ChatStore on MongoDB, beside the next version', () => {
  describeChatStore(besideNextVersion(openSharedMongo))
})
