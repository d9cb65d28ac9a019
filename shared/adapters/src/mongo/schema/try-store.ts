import { randomUUID } from 'node:crypto'
import { UnusableStoreError } from '@chatbox/core'
import type { Collection, Db } from 'mongodb'
import { BOUNDED, withinDeadline } from '../client/client.ts'
import { isDuplicateKey } from '../client/errors.ts'
import { LOG_INDEX } from '../documents.ts'

interface Scratch {
  _id: string
  sessionId: string
  seq: number
}

const RACERS = 50
const TIMEOUT_MS = 20_000

type Race = (scratch: Collection<Scratch>, _id: string) => Promise<boolean>

/** What the store depends on. Each resolves with whether it won the race for `_id`. */
const updateOne: Race = async (scratch, _id) =>
  (await scratch.updateOne({ _id, seq: 0 }, { $set: { seq: 1 } }, BOUNDED)).matchedCount === 1

const findOneAndUpdate: Race = async (scratch, _id) =>
  (await scratch.findOneAndUpdate({ _id, seq: 0 }, { $set: { seq: 1 } }, BOUNDED)) !== null

const insertOne: Race = async (scratch, sessionId) => {
  try {
    await scratch.insertOne({ _id: randomUUID(), sessionId, seq: 2 }, BOUNDED)
    return true
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}

/** A server that lets several win a compare-and-set does not do so every time. */
const RACES = [findOneAndUpdate, updateOne, insertOne, findOneAndUpdate, updateOne]

/** Servers that have passed. Each process checks a server once. */
const passed = new Set<string>()

/**
 * Runs races in a scratch collection: 50 calls for one compare-and-set, a few times, and 50 for one
 * unique key. Throws an `UnusableStoreError` unless exactly one wins, because fences and the order
 * of a log depend on that and not every MongoDB-compatible server guarantees it. Rejects with
 * `UNAVAILABLE` if a race takes longer than 20 s.
 */
export async function tryStore(db: Db): Promise<void> {
  const server = db.client.options.hosts.join()
  if (passed.has(server)) return
  const scratch = db.collection<Scratch>(`trial_${randomUUID()}`)
  try {
    await withinDeadline(TIMEOUT_MS, () => scratch.createIndexes([LOG_INDEX]))
    for (const race of RACES) {
      const won = await withinDeadline(TIMEOUT_MS, () => countWinners(scratch, race))
      if (won !== 1) throw await toRefusal(db, race.name, won)
    }
    passed.add(server)
  } finally {
    await withinDeadline(TIMEOUT_MS, () => scratch.drop()).catch(() => undefined)
  }
}

async function countWinners(scratch: Collection<Scratch>, race: Race): Promise<number> {
  const _id = randomUUID()
  await scratch.insertOne({ _id, sessionId: _id, seq: 0 }, BOUNDED)
  const outcomes = await Promise.all(Array.from({ length: RACERS }, () => race(scratch, _id)))
  return outcomes.filter((hasWon) => hasWon).length
}

async function toRefusal(db: Db, operation: string, won: number): Promise<UnusableStoreError> {
  const { version }: { version?: unknown } = await withinDeadline(TIMEOUT_MS, () =>
    db.admin().buildInfo(),
  )
  return new UnusableStoreError(
    `MONGO_URI leads to a server that cannot be trusted: of ${RACERS} ${operation} that raced for ` +
      `one thing ${won} won, where 1 may; it calls itself MongoDB ${String(version)}`,
  )
}
