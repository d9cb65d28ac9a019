import type { Db } from 'mongodb'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnusableStoreError } from '@chatbox/core'
import { unavailable } from '../client/errors.ts'
import type { DoneStep, SchemaRecord, SchemaState } from './schema-record.ts'
import {
  fromKeptFailure,
  keepFailure,
  SCHEMA_STEPS,
  toStepError,
  type SchemaStep,
} from './steps.ts'

export interface Observer {
  /** Ends the wait. A running step is not stopped. */
  signal: AbortSignal
  /** Called when this process has finished a step. */
  onStep(step: DoneStep): void
  /** Called when the store has answered. The database has this version. */
  onVersion(version: number): void
  /** Called while this or another process is working on this version. */
  onUnderWay(version: number): void
  /** Called when a try has failed, in this or another process. */
  onFailure(): void
}

export interface Migration extends Observer {
  db: Db
  record: SchemaRecord
  steps: readonly SchemaStep[]
  /** How long after the death of a process another one takes over. */
  leaseMs: number
  /** How often to check whether another process has finished. */
  pollMs: number
}

/**
 * A step that takes longer is abandoned. The server continues to build its index, and the next
 * process waits for that build instead of starting another one.
 */
export const STEP_TIMEOUT_MS = 3_600_000

/**
 * Returns the same state. Throws an `UnusableStoreError` if this program cannot work with the
 * database.
 */
export function checkUsable(
  state: SchemaState,
  steps: readonly SchemaStep[] = SCHEMA_STEPS,
): SchemaState {
  if (state.oldest <= steps.length) return state
  throw new UnusableStoreError(
    `the database has schema version ${state.version}, which needs chatbox ${state.oldestRelease} or later; ` +
      `this program knows schema version ${steps.length}, of chatbox ${steps.at(-1)?.since}`,
  )
}

/**
 * Does the missing steps, each under a lease, so that one of many processes does it and the others
 * wait. Returns the database's version, which may be later than this program's. If a step fails
 * here or in the process that this one waits for, rejects with an `UnusableStoreError` if the
 * server refuses it permanently, or else with `UNAVAILABLE`. Also does so if the store is down or
 * not for this program. Rejects with the signal's reason when that aborts. A repeated call
 * continues.
 */
export async function bringUpToDate(migration: Migration): Promise<number> {
  const look = createLook(migration)
  for (;;) {
    const version = await look()
    const step = migration.steps[version]
    if (!step) return version
    if (await claimOrWait(migration, version, version + 1)) {
      await takeStep(migration, step, version + 1)
    }
  }
}

/** A repair of what a version needs besides its steps and may have lost. */
export interface Repair {
  name: string
  isNeeded(db: Db): Promise<boolean>
  run(db: Db): Promise<void>
}

/** Does `repair` in a database of this version, in the same way as `bringUpToDate` does a step. */
export async function repairVersion(
  migration: Migration,
  version: number,
  repair: Repair,
): Promise<void> {
  const { db, record } = migration
  if (!(await repair.isNeeded(db))) return
  const look = createLook(migration)
  while ((await look()) === version) {
    if (!(await claimOrWait(migration, version, version))) continue
    // Check again, because another process may have done it while this one waited.
    if (await repair.isNeeded(db)) {
      const ms = await runHeld(migration, version, repair)
      migration.onStep({ step: version, name: repair.name, ms })
    }
    await record.release()
    return
  }
}

/** Reads the version. Throws a failure that another process has recorded since the first call. */
function createLook({ record, steps, ...observer }: Migration): () => Promise<number> {
  let known: { failure: string | undefined } | undefined
  return async () => {
    observer.signal.throwIfAborted()
    const { version, failure } = checkUsable(await record.read(), steps)
    observer.onVersion(version)
    known ??= { failure: failure?.id }
    if (failure === undefined || failure.id === known.failure) return version
    observer.onFailure()
    throw fromKeptFailure(failure)
  }
}

/** Returns true if this process has the lease for `next`. Otherwise waits a while first. */
async function claimOrWait(migration: Migration, version: number, next: number): Promise<boolean> {
  const { record, leaseMs, pollMs, signal } = migration
  if (await record.claim(version, leaseMs)) return true
  migration.onUnderWay(next)
  await sleep(pollMs, undefined, { signal })
  return false
}

async function takeStep(migration: Migration, step: SchemaStep, number: number): Promise<void> {
  const { record, steps } = migration
  const ms = await runHeld(migration, number, step)
  const done = { step: number, name: step.name, ms }
  const oldest = step.kind === 'contract' ? toOldest(steps, step.oldest) : {}
  // If another process has taken the lease in the meantime, it has finished the step or will.
  if (await record.finish(done, oldest)) migration.onStep(done)
}

/** Returns how long the step took. If it fails, releases the lease. */
async function runHeld(
  migration: Migration,
  number: number,
  step: Pick<SchemaStep, 'name' | 'run'>,
): Promise<number> {
  const { db, record } = migration
  const startedAt = performance.now()
  try {
    await whileHeld(migration, number, step.run(db))
  } catch (thrown) {
    const error = toStepError(thrown, step)
    const failure = keepFailure(error)
    if (failure) migration.onFailure()
    await record.release(failure).catch(() => undefined)
    throw error
  }
  return Math.round(performance.now() - startedAt)
}

function toOldest(
  steps: readonly SchemaStep[],
  oldest: number,
): Pick<SchemaState, 'oldest' | 'oldestRelease'> {
  return { oldest, oldestRelease: steps[oldest - 1]?.since ?? '' }
}

/** Waits for `work` while the lease can be renewed, but no longer than a step may take. */
async function whileHeld(migration: Migration, number: number, work: Promise<void>): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([migration.signal, over.signal])
  const timeout = async (): Promise<never> => {
    await sleep(STEP_TIMEOUT_MS, undefined, { signal })
    throw unavailable(new Error('a schema step took too long'))
  }
  const ends = [work, holdLease({ ...migration, signal }, number), timeout()]
  try {
    await Promise.race(ends)
  } finally {
    over.abort()
    void Promise.allSettled(ends)
  }
}

/** Renews the lease until it is lost or could not be renewed for its whole duration. */
async function holdLease(migration: Migration, number: number): Promise<never> {
  const { record, leaseMs, signal } = migration
  let renewedAt = performance.now()
  while (performance.now() - renewedAt < leaseMs) {
    await sleep(leaseMs / 3, undefined, { signal })
    const askedAt = performance.now()
    const isOurs = await record.renew(leaseMs).catch(() => undefined)
    if (isOurs === false) break
    if (isOurs === undefined) continue
    renewedAt = askedAt
    migration.onUnderWay(number)
  }
  throw unavailable(new Error('the lease on a schema step was lost'))
}
