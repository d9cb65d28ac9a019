import { entryIn } from '../../scripts/versions.ts'
import { startClusterUnderTest, type ClusterOptions } from './cluster-under-test.ts'
import { createClientNemeses } from './nemeses/client-nemeses.ts'
import { createLinkNemeses, createStoreNemeses } from './nemeses/link-nemeses.ts'
import { createPrimaryNemeses } from './nemeses/primary-nemeses.ts'
import {
  BLOCK_OPTION,
  createBusyKillNemesis,
  createClockNemesis,
  createProcessNemeses,
  createZombieNemesis,
} from './nemeses/process-nemeses.ts'
import { createRedisNemeses } from './nemeses/redis-nemeses.ts'
import type { ClusterProfile } from './profiles.ts'
import { endSystem, runOn, type RunOptions, type RunOutcome } from './run-on.ts'
import { entryOf } from './unsafe/entry-of.ts'

/** A run of gateways and workers around Redis and a store. */
export async function runCluster(options: RunOptions<ClusterProfile>): Promise<RunOutcome> {
  const { profile, recorder, random } = options
  const cluster = await startClusterUnderTest({
    ...profile,
    recorder,
    random: random.fork('cluster'),
    settings: {
      NODE_OPTIONS: BLOCK_OPTION,
      SESSION_IDLE_TIMEOUT: '1d',
      RECONNECT_TIMEOUT: '12h',
      // Whoever sleeps keeps its own: the others have to be able to write all there are.
      LLM_CONCURRENCY: '100',
    },
    ...toPrograms(options),
  })
  try {
    return await runOn(
      cluster,
      (findBares) => [
        ...createProcessNemeses('gateway', cluster.gateways),
        ...createProcessNemeses('worker', cluster.workers),
        createClockNemesis(cluster.workers),
        createZombieNemesis(cluster.workers, cluster.models, profile.zombieMs),
        createBusyKillNemesis(cluster.workers, cluster.models),
        ...createStoreNemeses(cluster),
        ...createPrimaryNemeses(cluster),
        ...createRedisNemeses(cluster),
        ...createLinkNemeses(cluster.links),
        ...createClientNemeses(findBares),
      ],
      options,
    )
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
