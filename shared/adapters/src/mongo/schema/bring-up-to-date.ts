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
  /** Ends the wait and leaves the step that runs to itself. */
  signal: AbortSignal
  /** A step that was done here. */
  onStep(step: DoneStep): void
  /** The store answers, and the database has this version. */
  onVersion(version: number): void
  /** What makes this version is under way, here or in another process. */
  onUnderWay(version: number): void
  /** It was tried and failed, here or in another process. */
  onFailure(): void
}

export interface Migration extends Observer {
  db: Db
  record: SchemaRecord
  steps: readonly SchemaStep[]
  /** How long after the death of a process another one goes on. */
  leaseMs: number
  /** How often to look whether another process has finished. */
  pollMs: number
}

/**
 * A step that takes longer is left to itself. The server goes on building its index, and whoever
 * comes next waits for that build instead of beginning another one.
 */
export const STEP_TIMEOUT_MS = 3_600_000

/** The same state; throws an `UnusableStoreError` where this program cannot work with the database. */
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
 * Does the steps that are missing, each under a lease, so that of many at once one does it and the
 * others wait. Answers the version that the database has then, which may be ahead of this program's.
 *
 * A step that fails, here or in a process that this one waits for, ends it: with an
 * `UnusableStoreError` where the server refuses it for good, else with `UNAVAILABLE`. So does a store
 * that is away or not for this program. Also rejects with the signal's reason. Begun again it goes on.
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

/** What a version needs beside its steps, and may have lost. */
export interface Repair {
  name: string
  isNeeded(db: Db): Promise<boolean>
  run(db: Db): Promise<void>
}

/** Does `repair` in a database of this version, as `bringUpToDate` does a step. */
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
    // Asked again: the one that was waited for may have done it.
    if (await repair.isNeeded(db)) {
      const ms = await runHeld(migration, version, repair)
      migration.onStep({ step: version, name: repair.name, ms })
    }
    await record.release()
    return
  }
}

/** Reads the version, and throws what another process has failed with since it was first called. */
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

/** Whether the right to make `next` is ours; else some time has passed. */
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
  // Where the lease went to another one meanwhile, that one has finished the step or will.
  if (await record.finish(done, oldest)) migration.onStep(done)
}

/** How long it took. Where it fails the lease is given back. */
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

/** The end of `work`, for as long as the lease can be renewed, but no longer than a step may take. */
async function whileHeld(migration: Migration, number: number, work: Promise<void>): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([migration.signal, over.signal])
  const timeout = async (): Promise<never> => {
    await sleep(STEP_TIMEOUT_MS, undefined, { signal })
    throw unavailable(new Error('a step takes too long'))
  }
  const ends = [work, holdLease({ ...migration, signal }, number), timeout()]
  try {
    await Promise.race(ends)
  } finally {
    over.abort()
    void Promise.allSettled(ends)
  }
}

/** Renews the lease until it is lost, or could not be renewed for as long as it lasts. */
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
  throw unavailable(new Error('the lease on a step was lost'))
}
