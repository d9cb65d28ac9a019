import { expect, it } from '@jest/globals'
import type { Document } from 'mongodb'
import { startMongoLink } from '../environment/servers/mongo-link.ts'
import { describeStore } from './store.contract.ts'
import type { StoreHarness } from './store.support.ts'
import { describeWithMongo, mongo, openMongoHarness, openMongoLab } from './mongo.support.ts'

/** What asks all shards: the sweeps over every session, and whose id it is that a session does not have. */
const UNTARGETED = [
  'find: _id',
  'find: alerts.waitsSince',
  'find: tasks.reply.dueAt',
  'find: tasks.reply.waitsSince',
]
const OPERATIONS = ['find', 'findAndModify', 'update', 'insert', 'delete', 'aggregate', 'count']

/** What operations on `messages` look for without a session, by its keys; and how many name one. */
const scattered = new Set<string>()
let targeted = 0

/** A document that is inserted names its shard as a filter does. */
function listTargets({ filter, query, updates, documents }: Document): Document[] {
  if (Array.isArray(updates)) return updates.map(({ q }: { q: Document }) => q)
  return (documents ?? [query ?? filter ?? {}]) as Document[]
}

function isList(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '$in' in value
}

function record(command: Document): undefined {
  const [operation = ''] = Object.keys(command)
  if (command[operation] !== 'messages' || !OPERATIONS.includes(operation)) return
  for (const target of listTargets(command)) {
    if (typeof target.sessionId === 'string' || isList(target.sessionId)) targeted++
    else scattered.add(`${operation}: ${Object.keys(target).sort().join(', ')}`)
  }
}

async function openRecorded(): Promise<StoreHarness> {
  const lab = await openMongoLab()
  const link = await startMongoLink(mongo?.port ?? 0, record)
  const harness = await openMongoHarness({ ...lab, open: () => lab.open(link.port) })
  return {
    ...harness,
    async close() {
      await harness.close()
      await link.close()
    },
  }
}

describeWithMongo('each operation on messages, in all that the store promises,', () => {
  describeStore(openRecorded)

  it('names the session by which they can be sharded, but for the sweeps and one more', () => {
    expect([...scattered].sort()).toEqual(UNTARGETED)
    expect(targeted).toBeGreaterThan(1000)
  })
})
