import { mkdir, open, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { checkHistory } from './checkers/check-history.ts'
import {
  openRecorder,
  readHistory,
  type FinalRead,
  type RunRecord,
  type Safety,
} from './history.ts'
import { PROFILES, type ClusterProfile, type ProfileName } from './profiles.ts'
import { createRandom } from './random.ts'
import { runCluster } from './run-cluster.ts'
import type { RunOutcome } from './run-on.ts'
import { runStandalone } from './run-standalone.ts'

export interface FaultRunOptions {
  profile: ProfileName
  seed: number
  without?: Safety
  only?: readonly string[]
  /** In place of the profile's own time under faults. */
  durationMs?: number
  /** What else is other than in the profile of a cluster. */
  changes?: Partial<Omit<ClusterProfile, 'kind'>>
  /** Gets the history and the run record. */
  folder: string
  report: (line: string) => void
}

/** One run from start to verdict. Leaves `history.jsonl` and `run.json` in the folder. */
export async function runFaults(options: FaultRunOptions): Promise<RunRecord> {
  const { seed, folder } = options
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'history.jsonl')
  const recorder = openRecorder(file)
  const startedAt = new Date().toISOString()
  const outcome = await carryOut(options, recorder).finally(() => recorder.close())
  const { reads, store, ...rest } = outcome
  const record: RunRecord = {
    profile: options.profile,
    seed,
    ...(options.without ? { without: options.without } : {}),
    ...(options.only ? { only: options.only } : {}),
    startedAt,
    durationMs: Math.round(recorder.now()),
    machine: describeMachine(store),
    checks: checkHistory(await readHistory(file), reads),
    ...rest,
  }
  await writeReads(join(folder, 'reads.jsonl'), reads)
  await writeFile(join(folder, 'run.json'), JSON.stringify(record, undefined, 2))
  return record
}

/** One a line: all of them are longer than a string may be. */
async function writeReads(path: string, reads: readonly FinalRead[]): Promise<void> {
  const file = await open(path, 'w')
  for (const read of reads) await file.write(`${JSON.stringify(read)}\n`)
  await file.close()
}

function carryOut(
  options: FaultRunOptions,
  recorder: ReturnType<typeof openRecorder>,
): Promise<RunOutcome> {
  const { only, without, report, durationMs } = options
  const random = createRandom(options.seed)
  const profile = PROFILES[options.profile]
  const common = {
    recorder,
    random,
    report,
    ...(without ? { without } : {}),
    ...(only ? { only } : {}),
  }
  const changes = durationMs === undefined ? {} : { durationMs }
  if (profile.kind === 'cluster') {
    return runCluster({ ...common, profile: { ...profile, ...options.changes, ...changes } })
  }
  return runStandalone({ ...common, profile: { ...profile, ...changes } })
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
