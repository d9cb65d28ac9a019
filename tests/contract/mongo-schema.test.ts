import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { MongoServerError, type Collection, type Db } from 'mongodb'
import {
  bringUpToDate,
  type Migration,
} from '../../shared/adapters/src/mongo/schema/bring-up-to-date.ts'
import { openMongoStore } from '../../shared/adapters/src/mongo/open-mongo-store.ts'
import { migrateMongo } from '../../shared/adapters/src/mongo/schema/migrate-mongo.ts'
import { SchemaRecord } from '../../shared/adapters/src/mongo/schema/schema-record.ts'
import { SCHEMA_STEPS, type SchemaStep } from '../../shared/adapters/src/mongo/schema/steps.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { newKeyRing, startSession, userEntry } from './store.support.ts'
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
function toMigration(steps: readonly SchemaStep[], more: Partial<Migration> = {}): Migration {
  return {
    db: lab.db,
    record: new SchemaRecord(lab.db),
    steps,
    leaseMs: LEASE_MS,
    pollMs: 20,
    signal: stop.signal,
    onStep: () => undefined,
    onVersion: () => undefined,
    onUnderWay: () => undefined,
    onFailure: () => undefined,
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

/** Of another process that goes on for longer than a test. */
async function putLease(): Promise<void> {
  const lease = { holder: 'another', until: new Date(Date.now() + 60_000) }
  await meta.updateOne({ _id: 'schema' }, { $set: { lease } })
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
    expect(first).toMatchObject({ version: KNOWN, oldest: 0, oldestRelease: '' })
    expect(first?.done.map(({ step, name }) => [step, name])).toEqual(
      NAMES.map((name, index) => [index + 1, name]),
    )
    expect(first?.lease).toBeUndefined()
    expect(await migrate()).toEqual([])
    expect(await meta.findOne({ _id: 'schema' })).toEqual(first)
  })

  it('holds one entry of each seq, whoever writes it', async () => {
    const store = await lab.open()
    const sessionId = await startSession(store)
    await store.messages.append(userEntry(sessionId))
    const messages = lab.db.collection<{ _id: string }>('messages')
    const entry = await messages.findOne({ sessionId })
    await expect(messages.insertOne({ ...entry, _id: 'another' })).rejects.toMatchObject({
      code: 11_000,
    })
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
    const told: number[] = []
    const onUnderWay = (version: number) => void told.push(version)
    const first = bringUpToDate(toMigration(steps))
    await waitUntil(() => long.runs() === 1)
    const until = await leaseEnd()
    const second = bringUpToDate(toMigration(steps, { onUnderWay }))
    await waitUntil(async () => (await leaseEnd()) > until + LEASE_MS)
    expect(long.runs()).toBe(1)
    expect(new Set(told)).toEqual(new Set([1]))
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
    await putLease()
    await refused
    long.end()
    const left = { version: 0, done: [], lease: { holder: 'another' } }
    expect(await meta.findOne({ _id: 'schema' })).toMatchObject(left)
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
      toStep(async () => {
        if (isBroken) throw new MongoServerError({ message: 'no lock', code: 24 })
      }),
    ]
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
    expect(await meta.findOne({ _id: 'schema' })).toMatchObject({ version: KNOWN + 1, oldest: 0 })
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

/** What a process that starts is told, and how it ends. */
function startProcess() {
  const steps: string[] = []
  const waits: { version: number; at: number }[] = []
  const hooks = {
    ...lab.hooks,
    onSchemaStep: ({ name }: { name: string }) => void steps.push(name),
    onSchemaWait: (version: number) => void waits.push({ version, at: performance.now() }),
  }
  const uri = mongo?.uri ?? ''
  const place = { uri, database: lab.db.databaseName, cipher: newKeyRing() }
  const opening = openMongoStore({ ...place, hooks, signal: stop.signal })
  const ended = opening.then((store) => store.close())
  return { steps, waits, ended }
}

describeWithMongo('a process that starts', () => {
  it('tells each step that it does itself', async () => {
    const first = startProcess()
    await first.ended
    expect(first.steps).toEqual(NAMES)
    expect(await migrate()).toEqual([])
  })

  it('makes again, once, the indexes that a restored copy lacks', async () => {
    await migrate()
    await lab.db.collection('messages').dropIndex('log')
    const started = [startProcess(), startProcess(), startProcess()]
    await Promise.all(started.map(({ ended }) => ended))
    expect(
      await lab.db.collection('messages').indexExists(['log', 'reply_open', 'reply_due']),
    ).toBe(true)
    expect(started.flatMap(({ steps }) => steps)).toEqual([expect.stringContaining('indexes')])
    const whole = { version: KNOWN, done: NAMES.map((name) => expect.objectContaining({ name })) }
    expect(await meta.findOne({ _id: 'schema' })).toMatchObject(whole)
    expect((await meta.findOne({ _id: 'schema' }))?.lease).toBeUndefined()
  })

  it('leaves an index that is missing to the one who has the lease', async () => {
    await migrate()
    await lab.db.collection('messages').dropIndex('log')
    await putLease()
    const { waits, ended } = startProcess()
    await waitUntil(() => waits.length > 0)
    expect(waits[0]?.version).toBe(KNOWN)
    expect(await lab.db.collection('messages').indexExists('log')).toBe(false)
    await meta.updateOne({ _id: 'schema' }, { $unset: { lease: '' } })
    await ended
    expect(await lab.db.collection('messages').indexExists('log')).toBe(true)
  })

  it('says every 10 s that it waits, and for what, until it is told to give up', async () => {
    await putMeta({})
    await putLease()
    const { waits, ended } = startProcess()
    const givenUp = expect(ended).rejects.toThrow(/abort/i)
    await waitUntil(() => waits.length === 2, 15_000)
    expect(waits.map(({ version }) => version)).toEqual([1, 1])
    expect((waits[1]?.at ?? 0) - (waits[0]?.at ?? 0)).toBeGreaterThanOrEqual(10_000)
    stop.abort()
    await givenUp
  }, 20_000)
})
