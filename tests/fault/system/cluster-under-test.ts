import { startBalancer, type Balancer } from '../../environment/servers/balancer.ts'
import {
  Cluster,
  startBackEnds,
  TEST_ENCRYPTION,
  toModelSettings,
  type BackEnds,
  type Place,
  type Role,
} from '../../environment/cluster.ts'
import { findFreePort } from '../../environment/servers/ports.ts'
import type { ProcessOptions } from '../../environment/servers/processes.ts'
import type { Recorder } from '../history.ts'
import type { Random } from '../random.ts'
import { startRecordedModels, type RecordedModels } from './recorded-models.ts'
import { Supervised } from './supervised.ts'
import {
  addLink,
  closeLinks,
  namesOfKilled,
  openOnce,
  type Link,
  type SystemUnderTest,
} from './system-under-test.ts'

export interface ClusterOptions {
  gateways: number
  workers: number
  tokenIntervalMs: number
  recorder: Recorder
  random: Random
  /** Another program for a process, such as one with a safety left out. They are counted from 1. */
  toEntry?: (service: Role, index: number) => Pick<ProcessOptions, 'entry' | 'args'>
  settings?: Record<string, string>
}

/** The whole product as real processes, each on links of its own, with everything that it needs. */
export interface ClusterUnderTest
  extends SystemUnderTest, Pick<Cluster<Supervised>, 'gateways' | 'workers' | 'redis' | 'mongo'> {}

interface Parts {
  backEnds: BackEnds
  models: RecordedModels
  links: Link[]
  gatewayPorts: number[]
  balancer?: Balancer
}

export async function startClusterUnderTest(options: ClusterOptions): Promise<ClusterUnderTest> {
  const { recorder, tokenIntervalMs: intervalMs, workers: doors } = options
  const [backEnds, models] = await Promise.all([
    startBackEnds({ isForLongRun: true }),
    startRecordedModels({ recorder, intervalMs, doors }),
  ])
  const parts: Parts = { backEnds, models, links: [], gatewayPorts: [] }
  const stores = openOnce(recorder, () => ({
    kind: 'cluster',
    redisUrl: backEnds.redis.url,
    mongoUri: backEnds.mongo.uri,
    mongoDatabase: backEnds.env.MONGO_DATABASE ?? '',
    encryptionKeys: [TEST_ENCRYPTION],
  }))
  const stopAll = async (): Promise<void> => {
    await stores.close()
    await closeLinks(parts.links)
    await parts.balancer?.close()
    await Promise.all([models.stop(), backEnds.stop()])
  }
  const cluster = new Cluster<Supervised>(
    { ...backEnds, stop: stopAll },
    {
      ...options,
      settings: {
        LOG_LEVEL: 'warn',
        DRAIN_TIMEOUT: '20s',
        // Longer histories cost every answer the reading of them, which is not what is tested.
        LLM_PROVIDER_1_CONTEXT_TOKENS: '2048',
        ...options.settings,
      },
      launch: (place) => launch(parts, options, place),
      ready: (process) => process.start(),
    },
  )
  await cluster.start()
  parts.balancer = await startBalancer(parts.gatewayPorts)
  const { gateways, workers, processes, redis, mongo } = cluster
  return {
    ...{ redis, mongo, models, links: parts.links, gateways, workers, processes },
    gatewayPorts: parts.gatewayPorts,
    balancerPort: parts.balancer.port,
    storeName: mongo.kind,
    openStore: () => stores.openStore(),
    async stop() {
      await cluster.stop()
      return namesOfKilled(processes)
    },
  }
}

/** A process behind links to everything that it uses, on ports that stay the same over its lives. */
async function launch(parts: Parts, options: ClusterOptions, place: Place): Promise<Supervised> {
  const { service, index, name } = place
  const { redis, mongo } = parts.backEnds
  const toRedis = await addLink(parts.links, `${service}-redis`, { index, port: redis.port })
  const toStore = await addLink(parts.links, `${service}-store`, { index, port: mongo.port })
  const env = {
    ...place.env,
    MANAGEMENT_PORT: String(await findFreePort()),
    REDIS_URL: `redis://127.0.0.1:${toRedis}`,
    MONGO_URI: `mongodb://127.0.0.1:${toStore}/?directConnection=true`,
    ...(await (service === 'gateway' ? linkGateway : linkWorker)(parts, index)),
  }
  return new Supervised({
    name,
    service,
    launch: { env, ...options.toEntry?.(service, index) },
    recorder: options.recorder,
    random: options.random.fork(name),
  })
}

async function linkGateway({ links, gatewayPorts, models }: Parts, index: number): Promise<Env> {
  const port = await findFreePort()
  gatewayPorts.push(await addLink(links, 'client-gateway', { index, port }))
  return { PORT: String(port), ...toModelSettings(`http://127.0.0.1:${models.ports[0]}`) }
}

/** Through a door of its own, so that it is known whose replies are whose. */
async function linkWorker({ links, models }: Parts, index: number): Promise<Env> {
  const door = models.ports[index - 1] ?? 0
  const port = await addLink(links, 'worker-model', { index, port: door })
  return toModelSettings(`http://127.0.0.1:${port}`)
}

type Env = Record<string, string>
