import type { ChatStore } from '@chatbox/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BareViewer } from './clients/bare-viewer.ts'
import { readEverything, waitUntilSettled, type FinalReadOptions } from './final-reads.ts'
import type { FinalRead, Recorder, RunRecord, Safety } from './history.ts'
import type { Nemesis } from './nemeses/nemesis.ts'
import { runNemeses, type NemesisPlan } from './nemeses/run-nemeses.ts'
import { sumMetrics } from './product-metrics.ts'
import type { Load } from './profiles.ts'
import type { Random } from './random.ts'
import { SessionDriver, type DrivenSession, type DriverCounts } from './session-driver.ts'
import type { SystemUnderTest } from './system-under-test.ts'
import { openSessions, viewersOf } from './workload.ts'

export interface RunOptions<P> {
  profile: P
  recorder: Recorder
  random: Random
  without?: Safety
  /** Only these kinds of fault; all of them when left out. */
  only?: readonly string[]
  report: (line: string) => void
}

/** Whatever is under test, every run has this much load and these faults. */
export type CommonProfile = Load &
  Pick<NemesisPlan, 'durationMs' | 'lanes' | 'pauseMs' | 'maxHoldMs' | 'favour'> & {
    only?: readonly string[]
    settleTimeoutMs: number
  }

export interface RunOutcome extends Pick<
  RunRecord,
  'processes' | 'nemeses' | 'operations' | 'metrics' | 'notes'
> {
  reads: FinalRead[]
  store: string
}

type Options = RunOptions<CommonProfile>

const PROGRESS_MS = 5000
const SETTLE_SENDS_MS = 45_000

/** Load and faults for a while, then rest, then a look at everything from every side. */
export async function runOn(
  system: SystemUnderTest,
  createNemeses: (bares: readonly BareViewer[]) => Nemesis[],
  options: Options,
): Promise<RunOutcome> {
  const { profile, recorder, random } = options
  const only = options.only ?? profile.only
  let sessions: DrivenSession[] = []
  try {
    sessions = await withStore(system, (store) =>
      openSessions({ ...system, ...profile, store, recorder, random }),
    )
    const load = startLoad(sessions, options)
    const progress = startProgress({ system, sessions, load, options })
    const nemeses = createNemeses(sessions.flatMap(({ bares }) => bares))
    const counts = await runNemeses({
      ...profile,
      nemeses: nemeses.filter(({ kind, special }) => only?.includes(kind) ?? !special),
      recorder,
      random: random.fork('nemeses'),
    })
    await load.stop()
    options.report('faults are over: waiting for rest')
    const rest = await withStore(system, (store) =>
      lookAtRest({ system, sessions, store, profile }),
    )
    progress.stop()
    await countAll(system)
    return {
      ...rest,
      nemeses: counts,
      store: system.storeName,
      processes: { ...countRoles(system), ...countViewers(sessions) },
      operations: { ...load.counts() },
      metrics: sumMetrics(system.processes.flatMap((process) => process.counted())),
      notes: [...rest.notes, ...lastWords(system)],
    }
  } finally {
    for (const viewer of sessions.flatMap(viewersOf)) viewer.close()
  }
}

/** Open only while it is used: a fault may need a disk that nobody else uses. */
async function withStore<T>(
  system: SystemUnderTest,
  use: (store: ChatStore) => Promise<T>,
): Promise<T> {
  const opened = await system.openStore()
  try {
    return await use(opened.store)
  } finally {
    await opened.close()
  }
}

interface Resting extends Pick<FinalReadOptions, 'sessions' | 'store'> {
  system: SystemUnderTest
  profile: CommonProfile
}

async function lookAtRest({
  system,
  profile,
  ...looked
}: Resting): Promise<Pick<RunOutcome, 'reads' | 'notes'>> {
  const { gatewayPorts } = system
  const final = { ...looked, gatewayPorts, timeoutMs: profile.settleTimeoutMs }
  const { openReplies, behind } = await waitUntilSettled(final)
  return {
    reads: await readEverything(final),
    notes: [
      ...openReplies.map((text) => `still open at the end: ${text}`),
      ...behind.map((text) => `still behind at the end: ${text}`),
    ],
  }
}

/** Ends the system in any case, and says who had to be killed. */
export async function endSystem(system: SystemUnderTest, { report }: Options): Promise<void> {
  const killed = await system.stop()
  if (killed.length > 0) report(`had to be killed in the end: ${killed.join(', ')}`)
}

interface RunningLoad {
  counts(): DriverCounts
  underway(): number
  /** Begins nothing more and waits for what is under way, within limits. */
  stop(): Promise<void>
}

function startLoad(sessions: readonly DrivenSession[], { profile, random }: Options): RunningLoad {
  const stopping = new AbortController()
  const drivers = sessions.map((session) => {
    const everyMs = session.kind === 'ask' ? profile.askEveryMs : profile.talkEveryMs
    return new SessionDriver(session, { ...profile, everyMs, random: random.fork(session.name) })
  })
  const running = drivers.map((driver) => driver.run(stopping.signal))
  return {
    counts: () => drivers.map(({ counts }) => counts).reduce(addCounts),
    underway: () => drivers.reduce((sum, driver) => sum + driver.underway(), 0),
    async stop() {
      stopping.abort()
      await Promise.all(running)
      const settled = Promise.all(drivers.map((driver) => driver.settle()))
      await Promise.race([settled, sleep(SETTLE_SENDS_MS, undefined, { ref: false })])
      for (const driver of drivers) driver.giveUp()
      await settled
    },
  }
}

function addCounts(a: DriverCounts, b: DriverCounts): DriverCounts {
  return {
    begun: a.begun + b.begun,
    skipped: a.skipped + b.skipped,
    acknowledged: a.acknowledged + b.acknowledged,
    resends: a.resends + b.resends,
    stops: a.stops + b.stops,
    retries: a.retries + b.retries,
  }
}

interface Progress {
  system: SystemUnderTest
  sessions: readonly DrivenSession[]
  load: RunningLoad
  options: Options
}

/** A line every few seconds; also asks every process for its counters before it may be killed. */
function startProgress({ system, sessions, load, options }: Progress): { stop(): void } {
  const { recorder, report } = options
  const viewers = sessions.flatMap(viewersOf)
  const timer = setInterval(() => {
    void countAll(system)
    const { begun, skipped, acknowledged, resends } = load.counts()
    const online = viewers.filter((viewer) => viewer.isOnline()).length
    report(
      [
        `${Math.round(recorder.now() / 1000)} s`,
        `${begun} messages (${skipped} skipped)`,
        `${acknowledged} acknowledged`,
        `${resends} sent again`,
        `${load.underway()} under way`,
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

function countViewers(
  sessions: readonly DrivenSession[],
): Pick<RunRecord['processes'], 'viewers' | 'sessions'> {
  return { viewers: sessions.flatMap(viewersOf).length, sessions: sessions.length }
}

function lastWords({ processes }: SystemUnderTest): string[] {
  return processes
    .filter(({ lastWords: words }) => words !== '')
    .map(({ name, lastWords: words }) => `last words of ${name}: ${words}`)
}
