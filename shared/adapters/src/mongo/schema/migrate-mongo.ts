import type { SchemaHooks } from '@chatbox/core'
import type { Db } from 'mongodb'
import { createReporter } from '../../common/report.ts'
import { createMongoClient, untilAvailable, withinDeadline } from '../client/client.ts'
import { toOpenError } from '../client/errors.ts'
import {
  bringUpToDate,
  checkUsable,
  repairVersion,
  STEP_TIMEOUT_MS,
  type Observer,
  type Repair,
} from './bring-up-to-date.ts'
import { SchemaRecord } from './schema-record.ts'
import { createIndexes, findMissingIndex, SCHEMA_STEPS, type SchemaStep } from './steps.ts'
import { tryStore } from './try-store.ts'

interface Place {
  mongoUri: string
  mongoDatabase: string
}

export interface MigrationOptions extends Place, Pick<Observer, 'signal' | 'onStep'> {
  /** See `createPatience`. */
  withinMs: number
  /** Called with what the migration waits for, in one line; the same at most every 10 s. */
  onWait(reason: string): void
}

const LEASE_MS = 10_000
const POLL_MS = 250
const CLOSE_TIMEOUT_MS = 2000

/**
 * Migrates the database to this program's schema and waits for a store that is down. Rejects with
 * `UNAVAILABLE` when patience runs out. Rejects with an `UnusableStoreError` if the URI is invalid,
 * the database belongs to a later version or the server refuses a step. Rejects with the signal's
 * reason when that aborts.
 */
export async function migrateMongo(
  options: MigrationOptions,
  steps: readonly SchemaStep[] = SCHEMA_STEPS,
): Promise<void> {
  const { signal } = options
  const patience = createPatience(options.withinMs)
  const report = createReporter(
    { onError: (_, reason) => options.onWait(reason instanceof Error ? reason.message : '') },
    'mongo',
  )
  const observer: Observer = {
    signal,
    onStep: (step) => options.onStep(step),
    onVersion: (version) => patience.sees(version),
    onUnderWay(version) {
      patience.goesOn()
      report(
        new Error(`waiting for schema version ${version}, which this or another process is making`),
      )
    },
    onFailure: () => patience.fails(),
  }
  const bringOnce = () =>
    withPatientClient(options, (db) => bring(db, observer, steps)).catch((error: unknown) => {
      throw toOpenError(error)
    })
  await untilAvailable(bringOnce, { signal, report, isOver: () => patience.isOver() })
}

export interface Preparation extends Place {
  signal: AbortSignal
  hooks: SchemaHooks
}

/**
 * Migrates for a process that starts on `db`. Does not wait for a store that is down, and is fast
 * if there is nothing to do.
 */
export async function prepareMongo(db: Db, options: Preparation): Promise<void> {
  const { signal, hooks } = options
  const { version } = checkUsable(await new SchemaRecord(db).read())
  if (version > SCHEMA_STEPS.length) return
  if (version === SCHEMA_STEPS.length && (await findMissingIndex(db)) === undefined) return
  let toldAt = -Infinity
  const observer: Observer = {
    signal,
    onStep: (step) => hooks.onSchemaStep?.(step),
    onVersion: () => undefined,
    onUnderWay(underWay) {
      if (performance.now() - toldAt < TELL_MS) return
      toldAt = performance.now()
      hooks.onSchemaWait?.(underWay)
    },
    onFailure: () => undefined,
  }
  await withPatientClient(options, (patient) => bring(patient, observer, SCHEMA_STEPS))
}

const TELL_MS = 10_000

/** The order of every log depends on one of these indexes, and a restored copy may lack them. */
const INDEXES: Repair = {
  name: 'put back the indexes that were missing',
  isNeeded: async (db) => (await findMissingIndex(db)) !== undefined,
  run: createIndexes,
}

async function bring(db: Db, observer: Observer, steps: readonly SchemaStep[]): Promise<void> {
  const record = new SchemaRecord(db)
  // Check the server before it holds any data: the first step of a new database does it. A copy may
  // be on another server.
  if (checkUsable(await record.read(), steps).version > 0) await tryStore(db)
  const migration = { ...observer, db, record, steps, leaseMs: LEASE_MS, pollMs: POLL_MS }
  const version = await bringUpToDate(migration)
  // Do not restore what a later version has changed.
  if (version === steps.length) await repairVersion(migration, version, INDEXES)
}

/** Uses a client that waits for an index build on a large collection. */
async function withPatientClient(place: Place, work: (db: Db) => Promise<void>): Promise<void> {
  const client = createMongoClient(place.mongoUri, STEP_TIMEOUT_MS)
  try {
    await work(client.db(place.mongoDatabase))
  } finally {
    await withinDeadline(CLOSE_TIMEOUT_MS, () => client.close(true)).catch(() => undefined)
  }
}

/** Decides how long a migration may continue. It is told of each result. */
export interface Patience {
  /** The store has answered. The database has this version. */
  sees(version: number): void
  /** A step is running, in this or another process. */
  goesOn(): void
  /** A step has failed. */
  fails(): void
  isOver(): boolean
}

/**
 * Ends `withinMs` after the store last answered or a step last ran. After a failed step, only a
 * finished step counts: it ends `withinMs` after that, or after the first answer. Otherwise a
 * server that answers but fails every step would be tried forever.
 */
export function createPatience(withinMs: number, now = () => performance.now()): Patience {
  let finishedAt = now()
  let answeredAt = finishedAt
  let version: number | undefined
  let hasFailed = false
  return {
    sees(seen) {
      answeredAt = now()
      if (seen === version) return
      version = seen
      finishedAt = answeredAt
      hasFailed = false
    },
    goesOn() {
      answeredAt = now()
    },
    fails() {
      hasFailed = true
    },
    isOver: () => now() - (hasFailed ? finishedAt : answeredAt) >= withinMs,
  }
}

/** Readiness is checked all the time, and an index is hardly ever dropped. */
const LOOK_EVERY_MS = 10_000

/**
 * Rejects with the name if an index is missing, because without the log's index two entries could
 * have the same place. Reuses a good result for 10 s. Ignores what a later version has removed.
 */
export function createIndexCheck(db: Db): () => Promise<void> {
  let wholeAt = -Infinity
  return async () => {
    if (performance.now() - wholeAt < LOOK_EVERY_MS) return
    const missing = await findMissingIndex(db)
    if (missing !== undefined && !(await isLaterVersion(db))) {
      throw new Error(`${missing}: run migrate`)
    }
    wholeAt = performance.now()
  }
}

async function isLaterVersion(db: Db): Promise<boolean> {
  return (await new SchemaRecord(db).read()).version > SCHEMA_STEPS.length
}
