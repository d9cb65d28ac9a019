import { afterAll } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import { MongoClient, type Db } from 'mongodb'
import { openMongoStore } from '../../shared/adapters/src/mongo/open-mongo-store.ts'
import {
  newMongoDatabase,
  NoMongoError,
  startMongo,
  type RunningMongo,
} from '../environment/servers/mongo.ts'
import { describeUnless, type Describe } from '../support/describe-unless.ts'
import {
  createHooks,
  newCountingKeyRing,
  type CountingKeyRing,
  type RecordedHooks,
  type StoredAudit,
  type AuditHarness,
} from './store.support.ts'

let skipReason: string | undefined

/** The server of this test file, stopped after its last test; undefined where the machine has none. */
export const mongo: RunningMongo | undefined = await startMongo().catch((error: unknown) => {
  if (!(error instanceof NoMongoError)) throw error
  skipReason = error.message
  return undefined
})

afterAll(() => mongo?.stop())

export const describeWithMongo: Describe = describeUnless(skipReason)

/** For the tests that end, stop and start the server, which takes one of our own. */
export const describeWithOwnMongo: Describe = describeUnless(
  mongo && mongo.pid === undefined ? `${mongo.kind} cannot be stopped` : skipReason,
)

/** A database of its own, and whatever was opened on it. */
export interface MongoLab {
  db: Db
  hooks: RecordedHooks
  cipher: CountingKeyRing
  /** `port` is that of a proxy before the server. */
  open(port?: number): Promise<Store>
  close(): Promise<void>
}

export async function openMongoLab(): Promise<MongoLab> {
  if (!mongo) throw new Error('there is no MongoDB-compatible server')
  const { uri } = mongo
  const database = newMongoDatabase()
  const cipher = newCountingKeyRing()
  const hooks = createHooks()
  const client = await new MongoClient(uri).connect()
  const opened: Store[] = []
  return {
    db: client.db(database),
    hooks,
    cipher,
    async open(port) {
      const address =
        port === undefined ? uri : `mongodb://127.0.0.1:${port}/?directConnection=true`
      const store = await openMongoStore({ uri: address, database, cipher, hooks })
      opened.push(store)
      return store
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()))
      await client.db(database).dropDatabase()
      await client.close()
    },
  }
}

/** For the contract of the store. */
export async function openMongoHarness(lab: MongoLab): Promise<AuditHarness> {
  const messages = lab.db.collection<{ _id: string; sealed: string }>('messages')
  return {
    store: await lab.open(),
    openSecond: () => lab.open(),
    countOpened: () => lab.cipher.opened,
    async swapSealed(a, b) {
      const [ofA, ofB] = [await messages.findOne({ _id: a }), await messages.findOne({ _id: b })]
      await messages.updateOne({ _id: a }, { $set: { sealed: ofB?.sealed ?? '' } })
      await messages.updateOne({ _id: b }, { $set: { sealed: ofA?.sealed ?? '' } })
    },
    async editAudit(edit) {
      const audit = lab.db.collection<StoredAudit & { _id: number }>('audit')
      const stored = await audit.find().sort({ _id: 1 }).toArray()
      await audit.deleteMany({})
      for (const { seq, ...entry } of edit(
        stored.map(({ _id, ...rest }) => ({ ...rest, seq: _id })),
      )) {
        await audit.insertOne({ ...entry, _id: Number(seq) })
      }
    },
    close: () => lab.close(),
  }
}
