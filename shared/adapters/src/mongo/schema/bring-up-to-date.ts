import type { Db } from 'mongodb'
import { setTimeout as sleep } from 'node:timers/promises'
import { toStoreError, unavailable } from '../deadline.ts'
import type { DoneStep, SchemaRecord, SchemaState } from './schema-record.ts'
import { UnusableStoreError } from '../../common/unusable-store-error.ts'
import { SCHEMA_STEPS, type SchemaStep } from './steps.ts'

export interface Observer {
  /** Ends the wait and leaves the step that runs to itself. */
  signal: AbortSignal
  onStep(step: DoneStep): void
  /** A step goes on, here or in another process. */
  onProgress(): void
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
 * Rejects with `UNAVAILABLE` where the store is away or refuses a step, with an `UnusableStoreError`
 * where it is not for this program, and with the signal's reason. Begun again it goes on.
 */
export async function bringUpToDate(migration: Migration): Promise<number> {
  const { record, steps, leaseMs, pollMs, signal } = migration
  for (;;) {
    signal.throwIfAborted()
    const { version } = checkUsable(await record.read(), steps)
    const next = steps[version]
    if (!next) return version
    if (await record.claim(version, leaseMs)) {
      await takeStep(migration, next, version + 1)
    } else {
      migration.onProgress()
      await sleep(pollMs, undefined, { signal })
    }
  }
}

async function takeStep(migration: Migration, step: SchemaStep, number: number): Promise<void> {
  const { db, record, steps } = migration
  const startedAt = performance.now()
  try {
    await whileHeld(migration, step.run(db))
  } catch (error) {
    await record.release().catch(() => undefined)
    throw toStoreError(error)
  }
  const done = { step: number, name: step.name, ms: Math.round(performance.now() - startedAt) }
  const oldest = step.kind === 'contract' ? toOldest(steps, step.oldest) : {}
  // Where the lease went to another one meanwhile, that one has finished the step or will.
  if (await record.finish(done, oldest)) migration.onStep(done)
}

function toOldest(
  steps: readonly SchemaStep[],
  oldest: number,
): Pick<SchemaState, 'oldest' | 'oldestRelease'> {
  return { oldest, oldestRelease: steps[oldest - 1]?.since ?? '' }
}

/** The end of `work`, for as long as the lease can be renewed, but no longer than a step may take. */
async function whileHeld(migration: Migration, work: Promise<void>): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([migration.signal, over.signal])
  const timeout = async (): Promise<never> => {
    await sleep(STEP_TIMEOUT_MS, undefined, { signal })
    throw unavailable(new Error('a step takes too long'))
  }
  const ends = [work, holdLease(migration, signal), timeout()]
  try {
    await Promise.race(ends)
  } finally {
    over.abort()
    void Promise.allSettled(ends)
  }
}

/** Renews the lease until it is lost, or could not be renewed for as long as it lasts. */
async function holdLease(migration: Migration, signal: AbortSignal): Promise<never> {
  const { record, leaseMs } = migration
  let renewedAt = performance.now()
  while (performance.now() - renewedAt < leaseMs) {
    await sleep(leaseMs / 3, undefined, { signal })
    const askedAt = performance.now()
    const isOurs = await record.renew(leaseMs).catch(() => undefined)
    if (isOurs === false) break
    if (isOurs === undefined) continue
    renewedAt = askedAt
    migration.onProgress()
  }
  throw unavailable(new Error('the lease on a step was lost'))
}
