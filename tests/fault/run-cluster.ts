import { setTimeout as sleep } from 'node:timers/promises'
import type { BareViewer } from './clients/bare-viewer.ts'
import { startClusterUnderTest, type ClusterUnderTest } from './cluster-under-test.ts'
import { readEverything, waitUntilSettled, type FinalReadOptions } from './final-reads.ts'
import type { FinalRead, NemesisCount, Recorder, RunRecord, Safety } from './history.ts'
import { createClientNemeses } from './nemeses/client-nemeses.ts'
import { createLinkNemeses, createStoreNemeses } from './nemeses/link-nemeses.ts'
import { BLOCK_OPTION, createProcessNemeses } from './nemeses/process-nemeses.ts'
import { createRedisNemeses } from './nemeses/redis-nemeses.ts'
import { runNemeses } from './nemeses/run-nemeses.ts'
import type { ClusterProfile } from './profiles.ts'
import type { Random } from './random.ts'
import { SessionDriver, type DrivenSession, type DriverCounts } from './session-driver.ts'
import { entryOf } from './unsafe/entry-of.ts'
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

export interface RunOutcome extends Pick<
  RunRecord,
  'processes' | 'nemeses' | 'operations' | 'metrics' | 'notes'
> {
  reads: FinalRead[]
  store: string
}

const PROGRESS_MS = 5000
const SETTLE_SENDS_MS = 45_000

/** A run of the whole cluster: load and faults for a while, then rest, then a look at everything. */
export async function runCluster(options: RunOptions<ClusterProfile>): Promise<RunOutcome> {
  const { profile, recorder, random, without } = options
  const cluster = await startClusterUnderTest({
    ...profile,
    recorder,
    random: random.fork('cluster'),
    settings: { NODE_OPTIONS: BLOCK_OPTION, SESSION_IDLE_TIMEOUT: '1d', RECONNECT_TIMEOUT: '12h' },
    ...(without ? { toEntry: (service) => entryOf(service, without) } : {}),
  })
  try {
    return await runOn(cluster, options)
  } finally {
    const killed = await cluster.stop()
    if (killed.length > 0) options.report(`had to be killed in the end: ${killed.join(', ')}`)
  }
}

async function runOn(
  cluster: ClusterUnderTest,
  options: RunOptions<ClusterProfile>,
): Promise<RunOutcome> {
  const { profile, recorder, random } = options
  const backend = await cluster.openBackend()
  let sessions: DrivenSession[] = []
  try {
    const { store } = backend
    sessions = await openSessions({ ...cluster, ...profile, store, recorder, random })
    const load = startLoad(sessions, options)
    const progress = startProgress({ cluster, sessions, load, options })
    const nemeses = await strike(cluster, sessions, options)
    await load.stop()
    progress.stop()
    const final: FinalReadOptions = {
      sessions,
      store,
      gatewayPorts: cluster.gatewayPorts,
      timeoutMs: profile.settleTimeoutMs,
    }
    options.report('faults are over: waiting for rest')
    const { openReplies, behind } = await waitUntilSettled(final)
    const reads = await readEverything(final)
    await countAll(cluster)
    return {
      reads,
      nemeses,
      store: cluster.mongo.kind,
      processes: {
        gateways: cluster.gateways.length,
        workers: cluster.workers.length,
        viewers: sessions.flatMap(viewersOf).length,
        sessions: sessions.length,
      },
      operations: { ...load.counts() },
      metrics: cluster.metrics(),
      notes: [
        ...openReplies.map((text) => `still open at the end: ${text}`),
        ...behind.map((text) => `still behind at the end: ${text}`),
        ...lastWords(cluster),
      ],
    }
  } finally {
    for (const viewer of sessions.flatMap(viewersOf)) viewer.close()
    await backend.close()
  }
}

function strike(
  cluster: ClusterUnderTest,
  sessions: readonly DrivenSession[],
  { profile, recorder, random, only }: RunOptions<ClusterProfile>,
): Promise<NemesisCount[]> {
  const bares: BareViewer[] = sessions.flatMap((session) => session.bares)
  const all = [
    ...createProcessNemeses(cluster),
    ...createStoreNemeses(cluster),
    ...createRedisNemeses(cluster),
    ...createLinkNemeses(cluster),
    ...createClientNemeses(bares),
  ]
  const nemeses = only ? all.filter(({ kind }) => only.includes(kind)) : all
  return runNemeses({ ...profile, nemeses, recorder, random: random.fork('nemeses') })
}

interface Load {
  counts(): DriverCounts
  underway(): number
  /** Begins nothing more and waits for what is under way, within limits. */
  stop(): Promise<void>
}

function startLoad(
  sessions: readonly DrivenSession[],
  { profile, random }: RunOptions<ClusterProfile>,
): Load {
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
  cluster: ClusterUnderTest
  sessions: readonly DrivenSession[]
  load: Load
  options: RunOptions<ClusterProfile>
}

/** A line every few seconds; also asks every process for its counters before it may be killed. */
function startProgress({ cluster, sessions, load, options }: Progress): { stop(): void } {
  const { recorder, report } = options
  const viewers = sessions.flatMap(viewersOf)
  const timer = setInterval(() => {
    void countAll(cluster)
    const { begun, skipped, acknowledged, resends } = load.counts()
    const online = viewers.filter((viewer) => viewer.isOnline()).length
    report(
      [
        `${Math.round(recorder.now() / 1000)} s`,
        `${begun} messages (${skipped} skipped)`,
        `${acknowledged} acknowledged`,
        `${resends} sent again`,
        `${load.underway()} under way`,
        `${cluster.models.streaming()} streams`,
        `${online}/${viewers.length} online`,
      ].join(', '),
    )
  }, PROGRESS_MS)
  return { stop: () => clearInterval(timer) }
}

async function countAll({ gateways, workers }: ClusterUnderTest): Promise<void> {
  await Promise.all([...gateways, ...workers].map((process) => process.count()))
}

function lastWords({ gateways, workers }: ClusterUnderTest): string[] {
  return [...gateways, ...workers]
    .filter(({ lastWords: words }) => words !== '')
    .map(({ name, lastWords: words }) => `last words of ${name}: ${words}`)
}
