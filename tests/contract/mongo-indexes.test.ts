import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { openMongoStore } from '../../shared/adapters/src/mongo/open-mongo-store.ts'
import { MESSAGE_INDEXES, SESSION_INDEXES } from '../../shared/adapters/src/mongo/documents.ts'
import { migrateMongo } from '../../shared/adapters/src/mongo/schema/migrate-mongo.ts'
import { findMissingIndex } from '../../shared/adapters/src/mongo/schema/steps.ts'
import { startMongoLink } from '../environment/servers/mongo-link.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { newKeyRing } from './store.support.ts'
import { describeWithMongo, mongo, openMongoLab, type MongoLab } from './mongo.support.ts'

/** Longer than a socket of a process that serves is waited for. */
const BUILD_MS = 6000

let lab: MongoLab
const closers: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  if (mongo) lab = await openMongoLab()
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  await lab.close()
})
async function migrate(mongoUri = mongo?.uri ?? ''): Promise<void> {
  await migrateMongo({
    mongoUri,
    mongoDatabase: lab.db.databaseName,
    withinMs: 2000,
    signal: new AbortController().signal,
    onStep: () => undefined,
    onWait: () => undefined,
  })
}

/** The address of a server that takes its time for the first index of a large collection. */
async function startSlowBuilder(): Promise<string> {
  let builds = 0
  const link = await startMongoLink(mongo?.port ?? 0, ({ createIndexes }) => {
    if (createIndexes !== 'messages' || ++builds > 1) return undefined
    return async (ask) => {
      await sleep(BUILD_MS)
      return ask()
    }
  })
  closers.push(() => link.close())
  return link.uri
}

describeWithMongo('an index that takes longer to build than an answer may', () => {
  it.each(['migrate', 'a process that starts'])('is waited for by %s', async (who) => {
    const uri = await startSlowBuilder()
    const startedAt = performance.now()
    if (who === 'migrate') await migrate(uri)
    else {
      const place = { uri, database: lab.db.databaseName, cipher: newKeyRing() }
      await (await openMongoStore({ ...place, hooks: lab.hooks })).close()
    }
    expect(performance.now() - startedAt).toBeGreaterThan(BUILD_MS)
    expect(await findMissingIndex(lab.db)).toBeUndefined()
  })
})

describeWithMongo('a process that serves', () => {
  it.each([
    ...SESSION_INDEXES.map(({ name = '' }) => ['sessions', name] as const),
    ...MESSAGE_INDEXES.map(({ name = '' }) => ['messages', name] as const),
  ])('misses its index of %s %s', async (collection, name) => {
    await migrate()
    expect(await findMissingIndex(lab.db)).toBeUndefined()
    await lab.db.collection(collection).dropIndex(name)
    const reason = `the index "${name}" of ${collection} is missing`
    expect(await findMissingIndex(lab.db)).toBe(reason)
  })

  it('is not ready without an index, which it names', async () => {
    const store = await lab.open()
    await store.ping()
    await lab.db.collection('messages').dropIndex('log')
    const isReady = () =>
      store.ping().then(
        () => true,
        () => false,
      )
    await waitUntil(async () => !(await isReady()), 15_000)
    const reason = 'the index "log" of messages is missing: run migrate'
    expect(lab.hooks.errors).toEqual([expect.objectContaining({ message: reason })])
    await migrate()
    expect(await isReady()).toBe(true)
  }, 20_000)

  it('is ready without an index that a later version has taken away', async () => {
    await migrate()
    await lab.db
      .collection<{ _id: string }>('meta')
      .updateOne({ _id: 'schema' }, { $inc: { version: 1 } })
    await lab.db.collection('sessions').dropIndex('idle')
    await (await lab.open()).ping()
  })
})
