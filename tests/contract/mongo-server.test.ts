import { afterEach, beforeEach, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Collection } from 'mongodb'
import { describeWithMongo, openMongoLab, type MongoLab } from './mongo.support.ts'

interface Wide {
  _id: string
  first: number
  between: string[]
  last: number
}

const READERS = 4
const READS = 300
/** So many that the answer takes a while to write, and a change falls into it. */
const BETWEEN = Array.from({ length: 2000 }, () => 'x'.repeat(20))

interface Entry {
  _id: string
  sessionId: string
  seq: number
}

const ENTRIES: Entry[] = ['a', 'b', 'c'].flatMap((sessionId) =>
  Array.from({ length: 20 }, (_, seq) => ({ _id: `${sessionId}${seq}`, sessionId, seq })),
)
const bound = fc.option(fc.integer({ min: -1, max: 21 }), { nil: undefined })
const ranges = fc.record({ $gt: bound, $gte: bound, $lt: bound, $lte: bound })

function isWithin(seq: number, { $gt, $gte, $lt, $lte }: Partial<Record<string, number>>): boolean {
  const isAbove = ($gt === undefined || seq > $gt) && ($gte === undefined || seq >= $gte)
  return isAbove && ($lt === undefined || seq < $lt) && ($lte === undefined || seq <= $lte)
}

/** What the adapter takes for granted of the server, and one that stands in for MongoDB may not do. */
describeWithMongo('the server', () => {
  let lab: MongoLab
  let documents: Collection<Wide>

  beforeEach(async () => {
    lab = await openMongoLab()
    documents = lab.db.collection('wide')
  })

  afterEach(() => lab.close())

  it.each([
    {
      how: 'updateOne',
      change: (to: number) => documents.updateOne({}, { $set: { first: to, last: to } }),
    },
    {
      how: 'findOneAndUpdate',
      change: (to: number) => documents.findOneAndUpdate({}, { $set: { first: to, last: to } }),
    },
  ])('tells a document as it is at one moment, while $how changes it', async ({ change }) => {
    await documents.insertOne({ _id: 'a', first: 0, between: BETWEEN, last: 0 })
    const reading = { isOver: false }
    const changes = async (): Promise<number> => {
      let count = 0
      while (!reading.isOver) await change(++count)
      return count
    }
    const read = async (): Promise<number> => {
      let torn = 0
      for (let count = 0; count < READS; count++) {
        const document = await documents.findOne({ _id: 'a' })
        if (document?.first !== document?.last) torn++
      }
      return torn
    }
    const changed = changes()
    const torn = await Promise.all(Array.from({ length: READERS }, read))
    reading.isOver = true
    expect(await changed).toBeGreaterThan(READS / 10)
    expect(torn).toEqual(torn.map(() => 0))
  })

  it('reads any part of an index forwards and backwards, as far as it is asked to', async () => {
    const entries = lab.db.collection<Entry>('entries')
    await entries.createIndexes([{ key: { sessionId: 1, seq: 1 }, unique: true }])
    await entries.insertMany(ENTRIES.map((entry) => ({ ...entry, seq: entry.seq + 100 })))
    await entries.updateMany({}, { $inc: { seq: -100 } })
    await entries.deleteMany({ sessionId: 'b', seq: { $gte: 5, $lt: 8 } })
    const kept = ENTRIES.filter(({ sessionId, seq }) => sessionId !== 'b' || seq < 5 || seq >= 8)
    const questions = fc.record({
      sessionId: fc.constantFrom('a', 'b', 'none'),
      range: ranges,
      way: fc.constantFrom<1 | -1>(1, -1),
      limit: fc.nat(30),
    })
    await fc.assert(
      fc.asyncProperty(questions, async ({ sessionId, range, way, limit }) => {
        const seq = Object.fromEntries(Object.entries(range).filter(([, to]) => to !== undefined))
        const filter = { sessionId, ...(Object.keys(seq).length > 0 && { seq }) }
        const found = await entries.find(filter).sort({ seq: way }).limit(limit).toArray()
        const wanted = kept.filter(
          (entry) => entry.sessionId === sessionId && isWithin(entry.seq, seq),
        )
        if (way < 0) wanted.reverse()
        expect(found).toEqual(wanted.slice(0, limit || wanted.length))
      }),
      { numRuns: 300 },
    )
  })
})
