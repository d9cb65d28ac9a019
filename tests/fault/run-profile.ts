import { entryIn } from '../environment/versions.ts'
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
import { entryOf } from './unsafe/controls.ts'

const SETTINGS = {
  NODE_OPTIONS: BLOCK_OPTION,
  SESSION_IDLE_TIMEOUT: '1d',
  RECONNECT_TIMEOUT: '12h',
}

/** A run of gateways and workers around Redis and a store. */
export async function runCluster(options: RunOptions<ClusterProfile>): Promise<RunOutcome> {
  const { profile, recorder, random } = options
  const cluster = await startClusterUnderTest({
    ...profile,
    recorder,
    random: random.fork('cluster'),
    // Whoever sleeps keeps its own: the others have to be able to write all there are.
    settings: { ...SETTINGS, LLM_CONCURRENCY: '100' },
    ...toPrograms(options),
  })
  try {
    const nemeses = [
      ...createProcessNemeses('gateway', cluster.gateways),
      ...createProcessNemeses('worker', cluster.workers),
      createClockNemesis(cluster.workers),
      createZombieNemesis(cluster.workers, cluster.models, profile.zombieMs),
      createBusyKillNemesis(cluster.workers, cluster.models),
      ...createStoreNemeses(cluster),
      ...createPrimaryNemeses(cluster),
      ...createRedisNemeses(cluster),
      ...createLinkNemeses(cluster.links),
    ]
    return await runOn(cluster, nemeses, options)
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

/** A run of the one process on SQLite. */
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
    const nemeses = [
      ...createProcessNemeses('standalone', system.processes),
      ...createStandaloneNemeses(system),
      ...createLinkNemeses(system.links),
    ]
    return await runOn(system, nemeses, options)
  } finally {
    await endSystem(system, options)
  }
}
