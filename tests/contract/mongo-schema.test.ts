import { afterAll, afterEach, beforeEach, expect, it } from '@jest/globals'
import type { Collection, Db } from 'mongodb'
import { newMongoDatabase } from '../../scripts/servers/mongo.ts'
import {
  bringUpToDate,
  type Migration,
} from '../../shared/adapters/src/mongo/schema/bring-up-to-date.ts'
import { migrateMongo } from '../../shared/adapters/src/mongo/schema/migrate-mongo.ts'
import { SchemaRecord } from '../../shared/adapters/src/mongo/schema/schema-record.ts'
import { SCHEMA_STEPS, type SchemaStep } from '../../shared/adapters/src/mongo/schema/steps.ts'
import { waitUntil } from '../support/wait-until.ts'
import { describeWithMongo, mongo, openMongoLab, type MongoLab } from './mongo.support.ts'

interface Meta {
  _id: string
  version: number
  oldest: number
  oldestRelease: string
  done: { step: number; name: string; at: Date; ms: number }[]
  lease?: { holder: string; until: Date }
}

/** Long enough for a busy machine to renew in time. */
const LEASE_MS = 1500
const KNOWN = SCHEMA_STEPS.length

let lab: MongoLab
let meta: Collection<Meta>
/** Ends what a test that failed has left behind. */
let stop: AbortController
beforeEach(async () => {
  stop = new AbortController()
  if (!mongo) return
  lab = await openMongoLab()
  meta = lab.db.collection('meta')
})
afterEach(async () => {
  stop.abort()
  await lab.close()
})
afterAll(() => mongo?.stop())

function toMigration(steps: readonly SchemaStep[], more: Partial<Migration> = {}): Migration {
  return {
    db: lab.db,
    record: new SchemaRecord(lab.db),
    steps,
    leaseMs: LEASE_MS,
    pollMs: 20,
    signal: stop.signal,
    onStep: () => undefined,
    onProgress: () => undefined,
    ...more,
  }
}

function toStep(run: (db: Db) => Promise<void>, name = 'a step'): SchemaStep {
  return { name, since: '0.1.0', kind: 'expand', run }
}

/** Begins when it is first run, and lasts until it is told to end. */
function createLongStep() {
  const end = Promise.withResolvers<undefined>()
  let runs = 0
  const step = toStep(async () => {
    runs++
    await end.promise
  })
  return { step, end: () => end.resolve(undefined), runs: () => runs }
}

async function putMeta(document: Partial<Meta>): Promise<void> {
  const whole = { version: 0, oldest: 0, oldestRelease: '', done: [], ...document }
  await meta.replaceOne({ _id: 'schema' }, whole, { upsert: true })
}

async function leaseEnd(): Promise<number> {
  return (await meta.findOne({ _id: 'schema' }))?.lease?.until.getTime() ?? 0
}

async function migrate(steps: string[] = []): Promise<string[]> {
  await migrateMongo({
    mongoUri: mongo?.uri ?? '',
    mongoDatabase: lab.db.databaseName,
    withinMs: 10_000,
    signal: stop.signal,
    onStep: ({ name }) => void steps.push(name),
    onWait: () => undefined,
  })
  return steps
}

const NAMES = SCHEMA_STEPS.map(({ name }) => name)

describeWithMongo('the schema of the database', () => {
  it('is brought to this version once, and every step is on record', async () => {
    expect(await migrate()).toEqual(NAMES)
    const first = await meta.findOne({ _id: 'schema' })
    expect(first).toMatchObject({ version: KNOWN, oldest: 2, oldestRelease: '0.1.0' })
    expect(first?.done.map(({ step, name }) => [step, name])).toEqual(
      NAMES.map((name, index) => [index + 1, name]),
    )
    expect(first?.lease).toBeUndefined()
    expect(await migrate()).toEqual([])
    expect(await meta.findOne({ _id: 'schema' })).toEqual(first)
  })

  it('is changed by one of many that come at once', async () => {
    const done: string[] = []
    await Promise.all(Array.from({ length: 10 }, () => migrate(done)))
    expect(done).toEqual(NAMES)
    expect((await meta.findOne({ _id: 'schema' }))?.done).toHaveLength(KNOWN)
  })

  it('waits for a step for as long as it takes, and does not begin it a second time', async () => {
    const long = createLongStep()
    const steps = [long.step]
    let progress = 0
    const first = bringUpToDate(toMigration(steps))
    await waitUntil(() => long.runs() === 1)
    const until = await leaseEnd()
    const second = bringUpToDate(toMigration(steps, { onProgress: () => progress++ }))
    await waitUntil(async () => (await leaseEnd()) > until + LEASE_MS)
    expect(long.runs()).toBe(1)
    expect(progress).toBeGreaterThan(0)
    long.end()
    expect(await Promise.all([first, second])).toEqual([1, 1])
  })

  it('is taken over from a dead process when its lease has ended, by the clock of the server', async () => {
    const until = new Date(Date.now() + LEASE_MS)
    await putMeta({ lease: { holder: 'dead', until } })
    await bringUpToDate(toMigration([toStep(() => Promise.resolve())]))
    expect(Date.now()).toBeGreaterThanOrEqual(until.getTime() - 100)
    expect(await meta.findOne({ _id: 'schema' })).toMatchObject({ version: 1 })
  })

  it('leaves a step whose lease was lost to the one who has it', async () => {
    const long = createLongStep()
    const running = bringUpToDate(toMigration([long.step]))
    const refused = expect(running).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await waitUntil(() => long.runs() === 1)
    const lease = { holder: 'another', until: new Date(Date.now() + 60_000) }
    await meta.updateOne({ _id: 'schema' }, { $set: { lease } })
    await refused
    long.end()
    expect(await meta.findOne({ _id: 'schema' })).toMatchObject({ version: 0, done: [], lease })
  })

  it('keeps what another one has done where it was too slow itself', async () => {
    const long = createLongStep()
    const mine: string[] = []
    const onStep = ({ name }: { name: string }) => void mine.push(name)
    const running = bringUpToDate(toMigration([long.step], { onStep }))
    await waitUntil(() => long.runs() === 1)
    const done = [{ step: 1, name: 'by another', at: new Date(), ms: 1 }]
    await meta.updateOne({ _id: 'schema' }, { $set: { version: 1, done }, $unset: { lease: '' } })
    long.end()
    expect(await running).toBe(1)
    expect(mine).toEqual([])
    expect(await meta.findOne({ _id: 'schema' })).toMatchObject({ version: 1, done })
  })

  it('goes on after a step that failed, at once', async () => {
    let isBroken = true
    const steps = [
      toStep(async (db) => {
        if (isBroken) await db.collection('sessions').dropIndex('none')
      }),
    ]
    await lab.db.createCollection('sessions')
    await expect(bringUpToDate(toMigration(steps))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    isBroken = false
    const startedAt = performance.now()
    expect(await bringUpToDate(toMigration(steps))).toBe(1)
    expect(performance.now() - startedAt).toBeLessThan(LEASE_MS)
  })

  it('lets the lease go when it is told to stop', async () => {
    const long = createLongStep()
    const running = bringUpToDate(toMigration([long.step]))
    await waitUntil(() => long.runs() === 1)
    stop.abort()
    await expect(running).rejects.toThrow(/abort/i)
    expect((await meta.findOne({ _id: 'schema' }))?.lease).toBeUndefined()
    long.end()
  })
})

const OLDER = SCHEMA_STEPS
const ADDS: SchemaStep = { ...toStep(() => Promise.resolve(), 'add'), since: '0.2.0' }
const TAKES_AWAY: SchemaStep = {
  name: 'take away',
  since: '0.3.0',
  kind: 'contract',
  oldest: KNOWN + 1,
  run: () => Promise.resolve(),
}

describeWithMongo('a program of an earlier version', () => {
  it('works with what a later one added, and puts nothing back', async () => {
    await migrate()
    await bringUpToDate(toMigration([...OLDER, ADDS]))
    await lab.db.collection('sessions').dropIndex('idle')
    expect(await migrate()).toEqual([])
    await lab.open()
    expect(await lab.db.collection('sessions').indexExists('idle')).toBe(false)
    expect(await meta.findOne({ _id: 'schema' })).toMatchObject({ version: KNOWN + 1, oldest: 2 })
  })

  it('is refused where a later one took something away, in a sentence with both versions', async () => {
    await bringUpToDate(toMigration([...OLDER, ADDS, TAKES_AWAY]))
    const sentence =
      `the database has schema version ${KNOWN + 2}, which needs chatbox 0.2.0 or later; ` +
      `this program knows schema version ${KNOWN}, of chatbox 0.1.0`
    const refusal = { name: 'UnusableStoreError', message: sentence }
    await expect(migrate()).rejects.toMatchObject(refusal)
    await expect(lab.open()).rejects.toMatchObject(refusal)
    expect(await bringUpToDate(toMigration([...OLDER, ADDS]))).toBe(KNOWN + 2)
  })

  it.each([{ version: 'two' }, { version: -1 }, { oldest: null }])(
    'is refused where the version cannot be read: %j',
    async (broken) => {
      await putMeta(broken as unknown as Partial<Meta>)
      await expect(lab.open()).rejects.toThrow(/^the database does not say its version: .*"meta"/)
    },
  )
})

describeWithMongo('a process that starts', () => {
  it.each([
    { what: 'an empty database', empty: true },
    { what: 'a copy that was restored without its indexes', empty: false },
  ])('makes the indexes of $what', async ({ empty }) => {
    if (!empty) await migrate()
    if (!empty) await lab.db.collection('messages').dropIndex('log')
    await Promise.all([lab.open(), lab.open(), lab.open()])
    expect(await lab.db.collection('messages').indexExists(['log', 'open', 'due'])).toBe(true)
    expect((await meta.findOne({ _id: 'schema' }))?.done).toHaveLength(KNOWN)
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
      onWait: ({ message }) => void reasons.push(message),
    })
    await expect(migration).rejects.toThrow(/^MongoDB cannot be used: .*ECONNREFUSED/)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(reasons).toEqual([expect.stringContaining('ECONNREFUSED')])
  })
})
