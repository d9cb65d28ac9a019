import type { BareViewer } from './clients/bare-viewer.ts'
import type { FinalRead, Recorder, RunRecord, Safety } from './history.ts'
import { runNemeses, type Nemesis } from './nemeses/run-nemeses.ts'
import type { OtherVersion } from '../environment/versions.ts'
import { sumMetrics } from './system/product-output.ts'
import type { FaultPlan, Load } from './profiles.ts'
import type { Random } from './random.ts'
import { SessionPool } from './load/session-pool.ts'
import type { SystemUnderTest } from './system/system-under-test.ts'

export interface RunOptions<P> {
  profile: P
  recorder: Recorder
  random: Random
  without?: Safety
  /** Every second gateway and worker has this version. */
  beside?: OtherVersion
  /** Only these kinds of faults; all by default. */
  only?: readonly string[]
  report: (line: string) => void
  /** Called with each session's log as each reader has it at the end. */
  keepRead: (read: FinalRead) => void
}

export interface RunOutcome extends Pick<
  RunRecord,
  'processes' | 'nemeses' | 'operations' | 'metrics' | 'notes'
> {
  store: string
}

type Options = RunOptions<Load & { faults: FaultPlan }>

const PROGRESS_MS = 5000

/**
 * Runs load and faults for a while, waits until all settles, and reads everything from every side.
 */
export async function runOn(
  system: SystemUnderTest,
  createNemeses: (findBares: () => readonly BareViewer[]) => Nemesis[],
  options: Options,
): Promise<RunOutcome> {
  const { profile, recorder, random, report, keepRead } = options
  const only = options.only ?? profile.faults.only
  const pool = new SessionPool({ system, profile, recorder, random, report, keepRead })
  const progress = startProgress(system, pool, options)
  try {
    await pool.start()
    const nemeses = createNemeses(() => pool.live().flatMap(({ bares }) => bares))
    const counts = await runNemeses({
      ...profile.faults,
      nemeses: nemeses.filter(({ kind, special }) => only?.includes(kind) ?? !special),
      recorder,
      random: random.fork('nemeses'),
    })
    report('faults are over: waiting for rest')
    const notes = await pool.finish()
    await countAll(system)
    return {
      nemeses: counts,
      store: system.storeName,
      processes: { ...countRoles(system), ...pool.size() },
      operations: { ...pool.counts() },
      metrics: sumMetrics(system.processes.flatMap((process) => process.counted())),
      notes: [...notes, ...lastWords(system)],
    }
  } finally {
    progress.stop()
    pool.close()
  }
}

/** Stops the system in any case, and reports which processes had to be killed. */
export async function endSystem(system: SystemUnderTest, { report }: Options): Promise<void> {
  const killed = await system.stop()
  if (killed.length > 0) report(`had to be killed in the end: ${killed.join(', ')}`)
}

/**
 * Prints a line every few seconds. Also asks every process for its counters before it may be
 * killed.
 */
function startProgress(
  system: SystemUnderTest,
  pool: SessionPool,
  { recorder, report }: Options,
): { stop(): void } {
  const timer = setInterval(() => {
    void countAll(system)
    const { begun, skipped, acknowledged, resends } = pool.counts()
    const viewers = pool.viewers()
    const online = viewers.filter((viewer) => viewer.isOnline()).length
    report(
      [
        `${Math.round(recorder.now() / 1000)} s`,
        `${begun} messages (${skipped} skipped)`,
        `${acknowledged} acknowledged`,
        `${resends} sent again`,
        `${pool.underway()} under way`,
        `${system.models.streaming()} streams`,
        `${online}/${viewers.length} online`,
      ].join(', '),
    )
  }, PROGRESS_MS)
  return { stop: () => clearInterval(timer) }
}

async function countAll({ processes }: SystemUnderTest): Promise<void> {
  await Promise.all(processes.map((process) => process.count()))
}

function countRoles({
  processes,
}: SystemUnderTest): Pick<RunRecord['processes'], 'gateways' | 'workers'> {
  const countOf = (role: string): number =>
    processes.filter(({ service }) => service === role || service === 'standalone').length
  return { gateways: countOf('gateway'), workers: countOf('worker') }
}

function lastWords({ processes }: SystemUnderTest): string[] {
  return processes
    .filter(({ lastWords: words }) => words !== '')
    .map(({ name, lastWords: words }) => `last words of ${name}: ${words}`)
}
