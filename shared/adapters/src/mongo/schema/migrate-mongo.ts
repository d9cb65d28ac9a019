import { backoffMs, toAppError, type Backoff } from '@chatbox/core'
import type { Db } from 'mongodb'
import { setTimeout as sleep } from 'node:timers/promises'
import { createReporter } from '../../common/report.ts'
import { createMongoClient, toOpenError } from '../client.ts'
import { withinDeadline } from '../deadline.ts'
import { bringUpToDate, checkUsable, STEP_TIMEOUT_MS, type Observer } from './bring-up-to-date.ts'
import { SchemaRecord } from './schema-record.ts'
import { createIndexes, SCHEMA_STEPS } from './steps.ts'

export interface MigrationOptions extends Pick<Observer, 'signal' | 'onStep'> {
  mongoUri: string
  mongoDatabase: string
  /** How long it may take without a sign of progress: an answer that came, or a step that goes on. */
  withinMs: number
  /** Told why a try failed that is made again; the same reason at most every 10 s. */
  onWait(reason: Error): void
}

const LEASE_MS = 10_000
const POLL_MS = 250
const CHECK_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 2000
const WAIT: Backoff = { baseMs: 250, maxMs: 2000 }

/**
 * Brings the database to what this program expects, and waits for a store that is away. Rejects with
 * `UNAVAILABLE` where nothing went on for `withinMs`, with an `UnusableStoreError` for a faulty URI or
 * the database of a later version, and with the signal's reason.
 */
export async function migrateMongo(options: MigrationOptions): Promise<void> {
  const { withinMs, signal } = options
  let deadline = performance.now() + withinMs
  const observer: Observer = {
    signal,
    onStep: (step) => options.onStep(step),
    onProgress() {
      deadline = performance.now() + withinMs
    },
  }
  const report = createReporter(
    { onError: (_, reason) => options.onWait(toAppError(reason)) },
    'mongo',
  )
  for (let attempt = 1; ; attempt++) {
    try {
      await withPatientClient(options, (db) => bring(db, observer))
      return
    } catch (error) {
      const reason = toOpenError(error)
      if (toAppError(error).code !== 'UNAVAILABLE' || performance.now() >= deadline) throw reason
      report(reason)
      await sleep(backoffMs(attempt, WAIT, Math.random), undefined, { signal })
    }
  }
}

/**
 * The same for a process that starts on `db`, without waiting for a store that is away, and quick
 * where there is nothing to do.
 */
export async function prepareMongo(
  db: Db,
  place: Pick<MigrationOptions, 'mongoUri' | 'mongoDatabase'>,
): Promise<void> {
  const { version } = checkUsable(await new SchemaRecord(db).read())
  if (version < SCHEMA_STEPS.length) {
    await withPatientClient(place, (patient) => bring(patient, UNSEEN))
  } else {
    await checkIndexes(db, version, CHECK_TIMEOUT_MS)
  }
}

/** A process that starts is ended, not asked, when it is no longer wanted. */
const UNSEEN: Observer = {
  signal: new AbortController().signal,
  onStep: () => undefined,
  onProgress: () => undefined,
}

async function bring(db: Db, observer: Observer): Promise<void> {
  const version = await bringUpToDate({
    ...observer,
    db,
    record: new SchemaRecord(db),
    steps: SCHEMA_STEPS,
    leaseMs: LEASE_MS,
    pollMs: POLL_MS,
  })
  await checkIndexes(db, version, STEP_TIMEOUT_MS)
}

/** The order of every log rests on one of them, and a copy may have been restored without. */
async function checkIndexes(db: Db, version: number, timeoutMs: number): Promise<void> {
  // What a later version has changed is not put back.
  if (version > SCHEMA_STEPS.length) return
  await withinDeadline(timeoutMs, () => createIndexes(db))
}

/** With a client that waits for the build of an index on a large collection. */
async function withPatientClient(
  { mongoUri, mongoDatabase }: Pick<MigrationOptions, 'mongoUri' | 'mongoDatabase'>,
  work: (db: Db) => Promise<void>,
): Promise<void> {
  const client = createMongoClient(mongoUri, STEP_TIMEOUT_MS)
  try {
    await work(client.db(mongoDatabase))
  } finally {
    await withinDeadline(CLOSE_TIMEOUT_MS, () => client.close(true)).catch(() => undefined)
  }
}
