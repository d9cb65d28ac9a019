import type { SchemaHooks } from '@chatbox/core'
import type { Db } from 'mongodb'
import { createReporter } from '../../common/report.ts'
import { createMongoClient, toOpenError } from '../client/client.ts'
import { withinDeadline } from '../client/deadline.ts'
import { untilAvailable } from '../client/until-available.ts'
import {
  bringUpToDate,
  checkUsable,
  repairVersion,
  STEP_TIMEOUT_MS,
  type Observer,
  type Repair,
} from './bring-up-to-date.ts'
import { findMissingIndex } from './find-missing-index.ts'
import { createPatience } from './patience.ts'
import { SchemaRecord } from './schema-record.ts'
import { createIndexes, SCHEMA_STEPS, type SchemaStep } from './steps.ts'
import { tryStore } from './try-store.ts'

interface Place {
  mongoUri: string
  mongoDatabase: string
}

export interface MigrationOptions extends Place, Pick<Observer, 'signal' | 'onStep'> {
  /** See `createPatience`. */
  withinMs: number
  /** Told what it waits for, in one line; the same at most every 10 s. */
  onWait(reason: string): void
}

const LEASE_MS = 10_000
const POLL_MS = 250
const CLOSE_TIMEOUT_MS = 2000

/**
 * Brings the database to what this program expects, and waits for a store that is away. Rejects with
 * `UNAVAILABLE` where patience is over, with an `UnusableStoreError` for a faulty URI, the database of
 * a later version or a step that the server refuses, and with the signal's reason.
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
      report(new Error(`schema version ${version} is being made, here or in another process`))
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
 * The same for a process that starts on `db`, without waiting for a store that is away, and quick
 * where there is nothing to do.
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

/** The order of every log rests on one of them, and a copy may have been restored without. */
const INDEXES: Repair = {
  name: 'put back the indexes that were missing',
  isNeeded: async (db) => (await findMissingIndex(db)) !== undefined,
  run: createIndexes,
}

async function bring(db: Db, observer: Observer, steps: readonly SchemaStep[]): Promise<void> {
  const record = new SchemaRecord(db)
  // Before any data is trusted to it: a new database's first step tries it. A copy may be on another server.
  if (checkUsable(await record.read(), steps).version > 0) await tryStore(db)
  const migration = { ...observer, db, record, steps, leaseMs: LEASE_MS, pollMs: POLL_MS }
  const version = await bringUpToDate(migration)
  // What a later version has changed is not put back.
  if (version === steps.length) await repairVersion(migration, version, INDEXES)
}

/** With a client that waits for the build of an index on a large collection. */
async function withPatientClient(place: Place, work: (db: Db) => Promise<void>): Promise<void> {
  const client = createMongoClient(place.mongoUri, STEP_TIMEOUT_MS)
  try {
    await work(client.db(place.mongoDatabase))
  } finally {
    await withinDeadline(CLOSE_TIMEOUT_MS, () => client.close(true)).catch(() => undefined)
  }
}
