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

/** Lets the server stop work that nobody waits for any more. */
const COMMAND_TIMEOUT_MS = 2300

/** Passed with each command. */
export const BOUNDED = { maxTimeMS: COMMAND_TIMEOUT_MS } as const

/** If an answer takes longer than this, the driver closes the connection. */
const SOCKET_TIMEOUT_MS = 4000

const PAUSE: Backoff = { baseMs: 250, maxMs: 2000 }

/**
 * Creates a client that connects on first use. Throws an `UnusableStoreError` for an invalid URI.
 */
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
    // Never show or acknowledge a write that a failover can roll back.
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
 * Runs `work`. Rejects with `UNAVAILABLE` if it takes longer than `timeoutMs` or the store is down,
 * and with a `StoreFault` if waiting does not help. The driver has no total limit: it counts server
 * selection, the wait for a connection and the command separately. This does not stop `work`.
 */
export async function withinDeadline<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await within(timeoutMs, work(), unavailable)
  } catch (error) {
    throw toStoreError(error)
  }
}

interface Waiting {
  /** Ends the wait: `untilAvailable` rejects with the signal's reason. */
  signal: AbortSignal
  /** Called with the reason for each failed try that will be repeated. */
  report(error: unknown): void
  /** Called after a failed try. Returns true to stop. */
  isOver?(): boolean
}

/** Retries while the store is down. Throws other errors at once. */
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

/** The operations in use, and how many of their arguments are filters, changes or documents. */
const CHECKED = {
  find: 1,
  findOne: 1,
  findOneAndUpdate: 2,
  updateOne: 2,
  insertOne: 1,
  bulkWrite: 1,
  deleteMany: 1,
  countDocuments: 2,
} as const

export type GuardedCollection<T extends Document> = Pick<Collection<T>, keyof typeof CHECKED>

type Operation = (...args: unknown[]) => unknown

/**
 * Wraps a collection so that it throws a `TypeError` for a filter, change or document that contains
 * undefined, an invalid date or NaN. The driver would omit an undefined condition, and an omitted
 * fence lets everybody through. It would write an invalid date as 1970.
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
