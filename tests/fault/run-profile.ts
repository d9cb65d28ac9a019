import { entryIn } from '../environment/versions.ts'
import type { BareViewer } from './clients/bare-viewer.ts'
import { createLinkNemeses, createStoreNemeses } from './nemeses/link-nemeses.ts'
import { createPrimaryNemeses, createRedisNemeses } from './nemeses/back-end-nemeses.ts'
import {
  BLOCK_OPTION,
  createBusyKillNemesis,
  createClockNemesis,
  createProcessNemeses,
  createStandaloneNemeses,
  createZombieNemesis,
} from './nemeses/process-nemeses.ts'
import type { ClusterProfile, StandaloneProfile } from './profiles.ts'
import { endSystem, runOn, type RunOptions, type RunOutcome } from './run-on.ts'
import { startClusterUnderTest, type ClusterOptions } from './system/cluster-under-test.ts'
import { startStandaloneUnderTest } from './system/standalone-under-test.ts'
import type { Nemesis } from './nemeses/run-nemeses.ts'
import { entryOf } from './unsafe/controls.ts'

const STOP_READING_MS = { low: 2000, high: 15_000 }
const SETTINGS = {
  NODE_OPTIONS: BLOCK_OPTION,
  SESSION_IDLE_TIMEOUT: '1d',
  RECONNECT_TIMEOUT: '12h',
}

/** Runs gateways and workers around Redis and a store. */
export async function runCluster(options: RunOptions<ClusterProfile>): Promise<RunOutcome> {
  const { profile, recorder, random } = options
  const cluster = await startClusterUnderTest({
    ...profile,
    recorder,
    random: random.fork('cluster'),
    // A sleeping worker keeps its replies, so the others must have room for all of them.
    settings: { ...SETTINGS, LLM_CONCURRENCY: '100' },
    ...toPrograms(options),
  })
  try {
    const toNemeses = (findBares: () => readonly BareViewer[]) => [
      ...createProcessNemeses('gateway', cluster.gateways),
      ...createProcessNemeses('worker', cluster.workers),
      createClockNemesis(cluster.workers),
      createZombieNemesis(cluster.workers, cluster.models, profile.zombieMs),
      createBusyKillNemesis(cluster.workers, cluster.models),
      ...createStoreNemeses(cluster),
      ...createPrimaryNemeses(cluster),
      ...createRedisNemeses(cluster),
      ...createLinkNemeses(cluster.links),
      createClientNemesis(findBares),
    ]
    return await runOn(cluster, toNemeses, options)
  } finally {
    await endSystem(cluster, options)
  }
}

function toPrograms({
  without,
  beside,
}: RunOptions<ClusterProfile>): Pick<ClusterOptions, 'toEntry'> {
  if (without) return { toEntry: (service) => entryOf(service, without) }
  if (!beside) return {}
  return {
    toEntry: (service, index) =>
      index % 2 === 0 ? { entry: entryIn(beside.folder, service) } : {},
  }
}

/** Runs the single process on SQLite. */
export async function runStandalone(options: RunOptions<StandaloneProfile>): Promise<RunOutcome> {
  const { profile, recorder, random, without } = options
  if (without) throw new Error('only a cluster can be run without one of its safeties')
  const system = await startStandaloneUnderTest({
    ...profile,
    recorder,
    random: random.fork('standalone'),
    settings: SETTINGS,
  })
  try {
    const toNemeses = (findBares: () => readonly BareViewer[]) => [
      ...createProcessNemeses('standalone', system.processes),
      ...createStandaloneNemeses(system),
      ...createLinkNemeses(system.links),
      createClientNemesis(findBares),
    ]
    return await runOn(system, toNemeses, options)
  } finally {
    await endSystem(system, options)
  }
}

/** A client that stops reading for a while, so that data to it piles up. */
function createClientNemesis(findViewers: () => readonly BareViewer[]): Nemesis {
  return {
    kind: 'client-stops-reading',
    plan(random) {
      const viewer = random.pick(findViewers())
      return {
        target: viewer.name,
        holds: [viewer.name],
        holdMs: random.between(STOP_READING_MS.low, STOP_READING_MS.high),
        begin: async () => viewer.stopReading(),
        end: async () => viewer.goOnReading(),
      }
    },
  }
}
