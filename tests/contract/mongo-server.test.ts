import { afterEach, beforeEach, expect, it } from '@jest/globals'
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

/** What the adapter takes for granted of the server, and one that stands in for MongoDB may not do. */
describeWithMongo('the server', () => {
  let lab: MongoLab
  let documents: Collection<Wide>

  beforeEach(async () => {
    lab = await openMongoLab()
    documents = lab.db.collection('wide')
    await documents.insertOne({ _id: 'a', first: 0, between: BETWEEN, last: 0 })
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
})
