// `npm run test:faults -- --profile smoke|ci|soak|standalone [--seed N] [--without SAFETY]
// [--only KIND,KIND] [--seconds N] [--out FOLDER]`: runs the product under faults and says what it
// was found guilty of. Exit code 1 when a checker found anything.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endWithParent } from '../../scripts/end-with-parent.ts'
import { checkHistory } from './checkers/check-history.ts'
import {
  openRecorder,
  readHistory,
  SAFETIES,
  type CheckReport,
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
  await writeFile(join(folder, 'reads.json'), JSON.stringify(reads))
  await writeFile(join(folder, 'run.json'), JSON.stringify(record, undefined, 2))
  return record
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

export function countFindings({ counts }: CheckReport): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function readArguments(args: string[]): FaultRunOptions {
  const { values } = parseArgs({
    args,
    options: {
      profile: { type: 'string', default: 'smoke' },
      seed: { type: 'string' },
      without: { type: 'string' },
      only: { type: 'string' },
      seconds: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const profile = Object.keys(PROFILES).find((name) => name === values.profile)
  if (!profile) throw new Error(`--profile is one of ${Object.keys(PROFILES).join(', ')}`)
  const without = SAFETIES.find((name) => name === values.without)
  if (values.without && !without) throw new Error(`--without is one of ${SAFETIES.join(', ')}`)
  return {
    profile: profile as ProfileName,
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    folder: values.out ?? '',
    report: (line) => void process.stdout.write(`${line}\n`),
    ...(without ? { without } : {}),
    ...(values.only ? { only: values.only.split(',') } : {}),
    ...(values.seconds ? { durationMs: Number(values.seconds) * 1000 } : {}),
  }
}

function summarise(record: RunRecord, report: (line: string) => void): void {
  const { checks, nemeses, operations } = record
  for (const { kind, done, failed, skipped } of nemeses) {
    report(`${kind}: ${skipped ?? `${done} done${failed ? `, ${failed} FAILED` : ''}`}`)
  }
  report(JSON.stringify(operations))
  report(JSON.stringify(checks.looked))
  for (const note of record.notes) report(note)
  for (const { check, message } of checks.findings) report(`${check}: ${message}`)
  report(JSON.stringify(checks.counts))
}

/** What was started ends with this process, however that ends. */
function endOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(1))
  }
}

if (import.meta.filename === process.argv[1]) {
  endWithParent()
  endOnSignal()
  const options = readArguments(process.argv.slice(2))
  options.folder ||= await mkdtemp(join(tmpdir(), `chatbox-faults-${options.profile}-`))
  options.report(`profile ${options.profile}, seed ${options.seed}, ${options.folder}`)
  const record = await runFaults(options)
  summarise(record, options.report)
  const found = countFindings(record.checks)
  options.report(found === 0 ? 'no findings' : `${found} findings`)
  process.exitCode = found === 0 ? 0 : 1
}
