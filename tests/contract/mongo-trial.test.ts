import { afterEach, beforeEach, expect, it } from '@jest/globals'
import type { Document } from 'mongodb'
import { tryStore } from '../../shared/adapters/src/mongo/schema/try-store.ts'
import { runEntry } from '../environment/servers/processes.ts'
import { startMongoLink, type Answer, type MongoLink } from '../environment/servers/mongo-link.ts'
import { describeWithMongo, mongo, openMongoLab, type MongoLab } from './mongo.support.ts'

let lab: MongoLab
let link: MongoLink | undefined
beforeEach(async () => {
  if (mongo) lab = await openMongoLab()
})
afterEach(async () => {
  await link?.close()
  link = undefined
  await lab.close()
})
const LOST: Record<string, (answer: Document) => boolean> = {
  update: ({ n }) => n === 0,
  findAndModify: ({ value }) => value === null,
  insert: ({ writeErrors }) => Array.isArray(writeErrors),
}
const WON: Record<string, Document> = {
  update: { ok: 1, n: 1, nModified: 1 },
  findAndModify: { ok: 1, lastErrorObject: { n: 1, updatedExisting: true }, value: { _id: 'it' } },
  insert: { ok: 1, n: 1 },
}

const RACES: Record<string, number> = { update: 2, findAndModify: 2, insert: 1 }

/** Tells the second of those that race in the last race of its kind that it has won as well. */
function lieOnceAbout(kind: string): (command: Document) => Answer | undefined {
  const races = new Set<string>()
  let hasLied = false
  return (command) => {
    const [name = ''] = Object.keys(command)
    if (name !== kind || !String(command[name]).startsWith('trial_')) return undefined
    return async (ask) => {
      const answer = await ask()
      if (!LOST[kind]?.(answer) || hasLied) return answer
      races.add(toRace(command))
      hasLied = races.size === RACES[kind]
      return hasLied ? { ...WON[kind] } : answer
    }
  }
}

/** What is raced for is in each of its commands, whatever their kind. */
function toRace(command: Document): string {
  const { updates, documents, query } = command as Record<string, Document[] & { _id?: string }>
  return JSON.stringify(updates?.[0]?.q ?? documents?.[0]?.sessionId ?? query?._id)
}

describeWithMongo('a store that is tried', () => {
  it('is trusted where one of 50 wins, and nothing is left of the trial', async () => {
    await tryStore(lab.db)
    expect(await lab.db.listCollections().toArray()).toEqual([])
  })

  const sentence =
    /^(?:chatbox: )?MONGO_URI leads to a server that cannot be trusted: of 50 \w+ .* 2 won, .* MongoDB [\d.]+\n?$/

  it.each(['update', 'findAndModify', 'insert'])(
    'is refused by migrate where two %ss win',
    async (kind) => {
      link = await startMongoLink(mongo?.port ?? 0, lieOnceAbout(kind))
      const env = { MONGO_URI: link.uri, MONGO_DATABASE: lab.db.databaseName }
      const { code, stderr } = await runEntry('migrate', env)
      expect(code).toBe(78)
      expect(stderr).toMatch(sentence)
      expect(await lab.db.listCollections().toArray()).toEqual([
        expect.objectContaining({ name: 'meta' }),
      ])
    },
  )

  it('is refused by a process that starts, also where its database is of this version', async () => {
    await lab.open()
    await lab.db.collection('messages').dropIndex('log')
    for (const kind of ['update', 'insert']) {
      link = await startMongoLink(mongo?.port ?? 0, lieOnceAbout(kind))
      await expect(lab.open(link.port)).rejects.toMatchObject({
        name: 'UnusableStoreError',
        message: expect.stringMatching(sentence),
      })
      await link.close()
      await lab.db.dropDatabase()
    }
  })
})
