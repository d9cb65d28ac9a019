import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { MongoClient, MongoServerError, type Db } from 'mongodb'
import { newMongoDatabase } from '../environment/servers/mongo.ts'
import { launchService } from '../environment/servers/processes.ts'
import { migrateMongo } from '../../shared/adapters/src/mongo/schema/migrate-mongo.ts'
import type { SchemaStep } from '../../shared/adapters/src/mongo/schema/steps.ts'
import { describeWithMongo, mongo } from '../contract/mongo.support.ts'
import { runEntry } from '../environment/servers/processes.ts'
import { TEST_SECRET } from '../environment/tokens.ts'

jest.setTimeout(60_000)

const MANY = 4
const WITHIN_MS = 1500
/** A pause between two tries, and a busy machine. */
const MARGIN_MS = 4000

const SERVING = {
  // Nobody answers there: the store alone is reason enough.
  REDIS_URL: 'redis://127.0.0.1:1',
  HOST: '127.0.0.1',
  JWT_SECRET: TEST_SECRET,
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
}

let client: MongoClient
let db: Db
beforeEach(async () => {
  if (!mongo) return
  client = await new MongoClient(mongo.uri).connect()
  db = client.db(newMongoDatabase())
})
afterEach(async () => {
  await db.dropDatabase()
  await client.close()
})
/** Somebody's index, which has the name of ours. */
async function putForeignIndex(): Promise<void> {
  await db.collection('messages').createIndexes([{ key: { other: 1 }, name: 'log' }])
}

async function createOurIndex(of: Db): Promise<void> {
  const index = { key: { sessionId: 1, seq: 1 }, name: 'log', unique: true }
  await of.collection('messages').createIndexes([index])
}

interface Tried {
  tries: number
  step: SchemaStep
}

/** Fails after this time, each time. */
function createFailingStep(afterMs: number, fail: (db: Db) => Promise<void>): Tried {
  const tried: Tried = {
    tries: 0,
    step: {
      name: 'fail',
      since: '0.1.0',
      kind: 'expand',
      async run(of) {
        tried.tries++
        await sleep(afterMs)
        await fail(of)
      },
    },
  }
  return tried
}

/** What each of many ends with, and when. */
async function migrateAtOnce(count: number, step: SchemaStep) {
  const startedAt = performance.now()
  const migrations = Array.from({ length: count }, async () => {
    const migration = migrateMongo(
      {
        mongoUri: mongo?.uri ?? '',
        mongoDatabase: db.databaseName,
        withinMs: WITHIN_MS,
        signal: new AbortController().signal,
        onStep: () => undefined,
        onWait: () => undefined,
      },
      [step],
    )
    const error = await migration.catch((thrown: unknown) => thrown)
    return { error, ms: performance.now() - startedAt }
  })
  return Promise.all(migrations)
}

const CASES = [20, WITHIN_MS * 2].flatMap((afterMs) => [
  { afterMs, count: 1 },
  { afterMs, count: MANY },
])

describeWithMongo('a step that the server refuses', () => {
  it.each(CASES)('ends each of $count at once, after $afterMs ms', async ({ afterMs, count }) => {
    await putForeignIndex()
    const tried = createFailingStep(afterMs, createOurIndex)
    for (const { error, ms } of await migrateAtOnce(count, tried.step)) {
      expect(error).toMatchObject({
        name: 'UnusableStoreError',
        message: expect.stringMatching(
          /^the schema's step "fail" cannot be done, MongoDB refuses it: .*\(code 8[56]\)$/,
        ),
      })
      expect(ms).toBeLessThan(afterMs + MARGIN_MS)
    }
    expect(tried.tries).toBeLessThanOrEqual(count)
  })

  it('is tried again by whoever comes later', async () => {
    await putForeignIndex()
    const { step } = createFailingStep(0, createOurIndex)
    await migrateAtOnce(1, step)
    const meta = db.collection('meta')
    expect(await meta.findOne({})).toMatchObject({ version: 0, failure: { isFinal: true } })
    await db.collection('messages').dropIndex('log')
    const free = { ...step, run: () => Promise.resolve() }
    expect(await migrateAtOnce(1, free)).toMatchObject([{ error: undefined }])
    expect(await meta.findOne({})).toMatchObject({ version: 1 })
    expect(await meta.findOne({})).not.toHaveProperty('failure')
  })
})

describeWithMongo('a step that fails each time for a reason that may pass', () => {
  it.each(CASES)('ends each of $count in time, after $afterMs ms', async ({ afterMs, count }) => {
    const tried = createFailingStep(afterMs, () =>
      Promise.reject(new MongoServerError({ message: 'no lock', code: 24 })),
    )
    for (const { error, ms } of await migrateAtOnce(count, tried.step)) {
      expect(error).toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringMatching(/^MongoDB cannot be used: .*no lock/),
      })
      expect(ms).toBeGreaterThan(WITHIN_MS)
      expect(ms).toBeLessThan(Math.max(WITHIN_MS, afterMs) + MARGIN_MS)
    }
    if (afterMs < WITHIN_MS) expect(tried.tries).toBeGreaterThan(1)
  })
})

describeWithMongo('a copy in which an index of ours cannot be made', () => {
  const SENTENCE =
    /^chatbox: the schema's step ".*indexes.*" cannot be done, MongoDB refuses it: .*\(code \d+\)$/
  let env: Record<string, string>
  beforeEach(() => {
    env = {
      NODE_ENV: 'development',
      MONGO_URI: mongo?.uri ?? '',
      MONGO_DATABASE: db.databaseName,
    }
  })

  it.each(['new', 'known'])('is refused by many at once: its schema is %s', async (schema) => {
    if (schema === 'known') {
      await runEntry('migrate', env)
      await db.collection('messages').dropIndex('log')
    }
    await putForeignIndex()
    const ended = await Promise.all(Array.from({ length: MANY }, () => runEntry('migrate', env)))
    for (const { code, stderr } of ended) {
      expect(code).toBe(78)
      expect(stderr.trimEnd()).toMatch(SENTENCE)
    }
    const worker = await launchService('worker', { env: { ...env, ...SERVING } })
    try {
      expect(await worker.exited).toEqual({ code: 78, signal: null })
      const said = worker.output().split('\n')
      expect(said.filter((line) => line.startsWith('chatbox: '))).toEqual([
        expect.stringMatching(SENTENCE),
      ])
    } finally {
      await worker.kill()
    }
  })

  it('is named without what is in its documents', async () => {
    const entry = { sessionId: 'marker-session', seq: 1 }
    await db.collection('messages').insertMany([{ ...entry }, { ...entry }])
    const { code, stdout, stderr } = await runEntry('migrate', env)
    expect(code).toBe(78)
    expect(stderr.trimEnd()).toMatch(SENTENCE)
    expect(stderr).toMatch(/duplicate key error .*index: log \(code 11000\)/)
    const left = JSON.stringify(await db.collection('meta').findOne({}))
    expect(stdout + stderr + left).not.toContain('marker')
  })
})

describeWithMongo('migrateMongo', () => {
  it('gives up a store that does not come, and says why', async () => {
    const reasons: string[] = []
    const startedAt = performance.now()
    const migration = migrateMongo({
      mongoUri: 'mongodb://127.0.0.1:1',
      mongoDatabase: newMongoDatabase(),
      withinMs: 3000,
      signal: new AbortController().signal,
      onStep: () => undefined,
      onWait: (reason) => void reasons.push(reason),
    })
    await expect(migration).rejects.toThrow(/^MongoDB cannot be used: .*ECONNREFUSED/)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(reasons).toEqual([expect.stringContaining('ECONNREFUSED')])
  })
})
