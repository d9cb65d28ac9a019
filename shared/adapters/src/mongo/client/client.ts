import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs, toAppError, UnusableStoreError, within, type Backoff } from '@chatbox/core'
import {
  MongoClient,
  ReadConcernLevel,
  ReadPreference,
  type Collection,
  type Document,
} from 'mongodb'
import { toStoreError, unavailable } from './errors.ts'

/** For the server to give up what nobody waits for any more. */
const COMMAND_TIMEOUT_MS = 2300

/** Passed with each command. */
export const BOUNDED = { maxTimeMS: COMMAND_TIMEOUT_MS } as const

/** An answer that is later than this comes on a connection that is closed. */
const SOCKET_TIMEOUT_MS = 4000

const PAUSE: Backoff = { baseMs: 250, maxMs: 2000 }

/** Throws an `UnusableStoreError` for a faulty URI; connects when it is first used. */
export function createMongoClient(uri: string, socketTimeoutMS = SOCKET_TIMEOUT_MS): MongoClient {
  try {
    return createClient(uri, socketTimeoutMS)
  } catch (cause) {
    throw new UnusableStoreError(
      'MONGO_URI cannot be read: it has the form mongodb://user:password@host:27017, ' +
        'with special characters percent-encoded',
      { cause },
    )
  }
}

function createClient(uri: string, socketTimeoutMS: number): MongoClient {
  return new MongoClient(uri, {
    appName: 'chatbox',
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: COMMAND_TIMEOUT_MS },
    // What a failover can take back is neither shown nor acknowledged as a repetition.
    readConcern: { level: ReadConcernLevel.majority },
    readPreference: ReadPreference.primary,
    maxPoolSize: 20,
    serverSelectionTimeoutMS: 2000,
    waitQueueTimeoutMS: 2000,
    connectTimeoutMS: 2000,
    socketTimeoutMS,
    heartbeatFrequencyMS: 3000,
  })
}

/**
 * Runs `work` and rejects with `UNAVAILABLE` when it takes longer or the store is away, and with a
 * `StoreFault` where no waiting helps. The driver's own limits do not add up to one: finding a server,
 * waiting for a connection and the command itself count apart. `work` is left to itself then.
 */
export async function withinDeadline<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await within(timeoutMs, work(), unavailable)
  } catch (error) {
    throw toStoreError(error)
  }
}

interface Waiting {
  /** Ends the wait: `untilAvailable` rejects with its reason. */
  signal: AbortSignal
  /** Told why each try failed that is made again. */
  report(error: unknown): void
  /** Asked after a try that failed: whether it was the last one. */
  isOver?(): boolean
}

/** Tries again while the store is away; what waiting does not mend is thrown at once. */
export async function untilAvailable<T>(work: () => Promise<T>, waiting: Waiting): Promise<T> {
  const { signal } = waiting
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (toAppError(error).code !== 'UNAVAILABLE' || waiting.isOver?.()) throw error
      waiting.report(error)
      await sleep(backoffMs(attempt, PAUSE, Math.random), undefined, { signal })
    }
  }
}

/** The operations that there are, and how many of their arguments are filters, changes or documents. */
const CHECKED = {
  find: 1,
  findOne: 1,
  findOneAndUpdate: 2,
  updateOne: 2,
  insertOne: 1,
  bulkWrite: 1,
} as const

export type GuardedCollection<T extends Document> = Pick<Collection<T>, keyof typeof CHECKED>

type Operation = (...args: unknown[]) => unknown

/**
 * The same collection, which throws a `TypeError` before it sends a filter, a change or a document with a value that
 * is undefined or comes of one. The driver would leave a condition out, and a fence that is left out lets
 * everybody through; it would write an invalid date as one of 1970.
 */
export function refuseUndefined<T extends Document>(
  collection: Collection<T>,
): GuardedCollection<T> {
  const operations = Object.entries(CHECKED).map(([name, count]) => {
    const operation = Reflect.get(collection, name) as Operation
    const checked: Operation = (...args) => {
      checkDefined(args.slice(0, count), name)
      return operation.apply(collection, args)
    }
    return [name, checked]
  })
  return Object.fromEntries(operations) as GuardedCollection<T>
}

function checkDefined(value: unknown, path: string): void {
  if (value === undefined || Number.isNaN(value)) throw new TypeError(`${path} is ${String(value)}`)
  if (value instanceof Date) checkDefined(value.getTime(), path)
  else if (typeof value === 'object' && value !== null) {
    for (const [key, held] of Object.entries(value)) checkDefined(held, `${path}.${key}`)
  }
}
