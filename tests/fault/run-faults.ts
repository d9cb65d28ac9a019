import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { findCommit, prepareVersion } from '../environment/versions.ts'
import { checkHistory } from './checkers/check-history.ts'
import {
  openLines,
  openRecorder,
  readLines,
  type FinalRead,
  type HistoryEvent,
  type RunRecord,
  type Safety,
} from './history.ts'
import { PROFILES, type ProfileName } from './profiles.ts'
import { createRandom } from './random.ts'
import type { RunOptions, RunOutcome } from './run-on.ts'
import { runCluster, runStandalone } from './run-profile.ts'

export interface FaultRunOptions {
  profile: ProfileName
  seed: number
  without?: Safety
  /** A git commit. Every second gateway and worker runs the product of that commit. */
  with?: string
  only?: readonly string[]
  /** Replaces the profile's time under faults. */
  durationMs?: number
  /** The folder for the history and the run record. */
  folder: string
  report: (line: string) => void
}

/**
 * Does one run from start to verdict. Writes `history.jsonl`, `reads.jsonl` and `run.json` to the
 * folder.
 */
export async function runFaults(options: FaultRunOptions): Promise<RunRecord> {
  const { seed, folder } = options
  await mkdir(folder, { recursive: true })
  const files = { history: join(folder, 'history.jsonl'), reads: join(folder, 'reads.jsonl') }
  const recorder = openRecorder(files.history)
  const reads = openLines(files.reads)
  const startedAt = new Date().toISOString()
  const commit = await findCommit()
  const beside = options.with === undefined ? undefined : await prepareVersion(options.with)
  const { store, ...rest } = await carryOut(options, {
    recorder,
    // Written at once, because the events of a long run would fill the memory of the process that
    // is also the network.
    keepRead: (read) => reads.write(read),
    ...(beside ? { beside } : {}),
  }).finally(async () => {
    await recorder.close()
    await reads.close()
    await beside?.remove()
  })
  // Keeps the records of a long run even if it cannot be judged here.
  await writeFile(join(folder, 'outcome.json'), JSON.stringify({ store, ...rest }))
  const record: RunRecord = {
    profile: options.profile,
    seed,
    ...(options.without ? { without: options.without } : {}),
    ...(options.only ? { only: options.only } : {}),
    ...(beside ? { beside: beside.commit } : {}),
    ...(commit ? { commit } : {}),
    startedAt,
    durationMs: Math.round(recorder.now()),
    machine: describeMachine(store),
    checks: checkHistory(
      await readLines<HistoryEvent>(files.history),
      await readLines<FinalRead>(files.reads),
    ),
    ...rest,
  }
  await writeFile(join(folder, 'run.json'), JSON.stringify(record, undefined, 2))
  return record
}

function carryOut(
  options: FaultRunOptions,
  given: Pick<RunOptions<unknown>, 'recorder' | 'keepRead' | 'beside'>,
): Promise<RunOutcome> {
  const { only, without, report, durationMs } = options
  const random = createRandom(options.seed)
  const profile = PROFILES[options.profile]
  const common = {
    ...given,
    random,
    report,
    ...(without ? { without } : {}),
    ...(only ? { only } : {}),
  }
  const faults = { ...profile.faults, ...(durationMs === undefined ? {} : { durationMs }) }
  if (profile.kind === 'cluster') {
    const { gateways, workers } = profile
    const halves = given.beside ? { gateways: toEven(gateways), workers: toEven(workers) } : {}
    return runCluster({ ...common, profile: { ...profile, faults, ...halves } })
  }
  return runStandalone({ ...common, profile: { ...profile, faults } })
}

function toEven(count: number): number {
  return count + (count % 2)
}

function describeMachine(store: string): RunRecord['machine'] {
  const all = cpus()
  return {
    cpus: all.length,
    model: all[0]?.model ?? '',
    memoryBytes: totalmem(),
    node: process.version,
    store,
  }
}
