import { randomBytes } from 'node:crypto'
import { openBackend, type Backend } from '@chatbox/adapters'
import { findFreePort } from '../../scripts/servers/free-port.ts'
import { newMongoDatabase, startMongo, type RunningMongo } from '../../scripts/servers/mongo.ts'
import type { ProcessOptions } from '../../scripts/servers/processes.ts'
import { startRedis, type RedisServer } from '../../scripts/servers/redis.ts'
import { startTcpProxy } from '../../scripts/servers/tcp-proxy.ts'
import { TEST_SECRET } from '../support/tokens.ts'
import { startBalancer, type Balancer } from './balancer.ts'
import type { Recorder } from './history.ts'
import { startModelServer, type ModelServer } from './model-server.ts'
import type { Random } from './random.ts'
import { Supervised } from './supervised.ts'
import {
  createToolHooks,
  stopProcesses,
  type Link,
  type LinkKind,
  type SystemUnderTest,
} from './system-under-test.ts'

export interface ClusterOptions {
  gateways: number
  workers: number
  tokenIntervalMs: number
  recorder: Recorder
  random: Random
  /** Another program for a process, such as one with a safety left out. They are counted from 1. */
  toEntry?: (service: 'gateway' | 'worker', index: number) => Pick<ProcessOptions, 'entry' | 'args'>
  settings?: Record<string, string>
}

/** The whole product as real processes, each on links of its own, with everything that it needs. */
export interface ClusterUnderTest extends SystemUnderTest {
  readonly gateways: Supervised[]
  readonly workers: Supervised[]
  readonly redis: RedisServer
  readonly mongo: RunningMongo
}

interface Parts {
  redis: RedisServer
  mongo: RunningMongo
  models: ModelServer
  links: Link[]
  gateways: Supervised[]
  workers: Supervised[]
  gatewayPorts: number[]
  balancer?: Balancer
}

export async function startClusterUnderTest(options: ClusterOptions): Promise<ClusterUnderTest> {
  const [redis, mongo, models] = await Promise.all([
    startRedis(),
    startMongo(undefined, { isForLongRun: true }),
    startModelServer({
      recorder: options.recorder,
      intervalMs: options.tokenIntervalMs,
      doors: options.workers,
    }),
  ])
  const links: Link[] = []
  const parts: Parts = { redis, mongo, models, links, gateways: [], workers: [], gatewayPorts: [] }
  const common = toCommonSettings(options)
  try {
    for (let index = 1; index <= options.gateways; index += 1) {
      await addGateway(parts, options, { ...common, index })
    }
    for (let index = 1; index <= options.workers; index += 1) {
      await addWorker(parts, options, { ...common, index })
    }
    parts.balancer = await startBalancer(parts.gatewayPorts)
    await Promise.all([...parts.gateways, ...parts.workers].map((process) => process.start()))
  } catch (error) {
    await stopAll(parts)
    throw error
  }
  return toCluster(parts, { ...common, recorder: options.recorder })
}

interface Common {
  env: Record<string, string>
  key: Buffer
  database: string
}

function toCommonSettings(options: ClusterOptions): Common {
  const key = randomBytes(32)
  const database = newMongoDatabase()
  const env = {
    MODE: 'cluster',
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    MONGO_DATABASE: database,
    ENCRYPTION_KEYS: `test:${key.toString('base64')}`,
    DRAIN_TIMEOUT: '20s',
    LLM_PROVIDER_1_ID: 'tokens',
    LLM_PROVIDER_1_NAME: 'Tokens',
    LLM_PROVIDER_1_TYPE: 'openai',
    LLM_PROVIDER_1_API_KEY: randomBytes(24).toString('base64url'),
    LLM_PROVIDER_1_MODEL: 'tokens',
    // Longer histories cost every answer the reading of them, which is not what is tested.
    LLM_PROVIDER_1_CONTEXT_TOKENS: '2048',
    ...options.settings,
  }
  return { env, key, database }
}

/** Answers the port to use in place of `port`. */
async function addLink(
  { links }: Parts,
  { kind, index, port }: { kind: LinkKind; index: number; port: number },
): Promise<number> {
  const proxy = await startTcpProxy({ port })
  const [from = '', to = ''] = kind.split('-')
  const name = from === 'client' ? `client>gateway-${index}` : `${from}-${index}>${to}`
  links.push({ kind, name, proxy })
  return proxy.port
}

interface Place extends Common {
  index: number
}

async function addGateway(parts: Parts, options: ClusterOptions, place: Place): Promise<void> {
  const { index } = place
  const port = await findFreePort()
  const redisPort = await addLink(parts, { kind: 'gateway-redis', index, port: parts.redis.port })
  const storePort = await addLink(parts, { kind: 'gateway-store', index, port: parts.mongo.port })
  parts.gatewayPorts.push(await addLink(parts, { kind: 'client-gateway', index, port }))
  const env = {
    ...(await toEnv(place, { redisPort, storePort, parts })),
    PORT: String(port),
    JWT_SECRET: TEST_SECRET,
    ALLOWED_ORIGINS: 'https://shop.example',
    RATE_LIMIT: '100000',
    MAX_CONNECTIONS_PER_USER: '100',
  }
  parts.gateways.push(toSupervised('gateway', options, { index, env }))
}

async function addWorker(parts: Parts, options: ClusterOptions, place: Place): Promise<void> {
  const { index } = place
  const redisPort = await addLink(parts, { kind: 'worker-redis', index, port: parts.redis.port })
  const storePort = await addLink(parts, { kind: 'worker-store', index, port: parts.mongo.port })
  const door = parts.models.ports[index - 1] ?? 0
  const modelPort = await addLink(parts, { kind: 'worker-model', index, port: door })
  const env = {
    ...(await toEnv(place, { redisPort, storePort, parts })),
    LLM_PROVIDER_1_ENDPOINT: `http://127.0.0.1:${modelPort}/v1`,
  }
  parts.workers.push(toSupervised('worker', options, { index, env }))
}

async function toEnv(
  place: Place,
  { redisPort, storePort, parts }: { redisPort: number; storePort: number; parts: Parts },
): Promise<Record<string, string>> {
  return {
    ...place.env,
    LLM_PROVIDER_1_ENDPOINT: `http://127.0.0.1:${parts.models.ports[0]}/v1`,
    MANAGEMENT_PORT: String(await findFreePort()),
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    MONGO_URI: `mongodb://127.0.0.1:${storePort}/?directConnection=true`,
  }
}

function toSupervised(
  service: 'gateway' | 'worker',
  options: ClusterOptions,
  { index, env }: { index: number; env: Record<string, string> },
): Supervised {
  const name = `${service}-${index}`
  return new Supervised({
    name,
    service,
    launch: { env, ...options.toEntry?.(service, index) },
    recorder: options.recorder,
    random: options.random.fork(name),
  })
}

function toCluster(
  parts: Parts,
  { key, database, recorder }: Common & Pick<ClusterOptions, 'recorder'>,
): ClusterUnderTest {
  const { redis, mongo, models, links, gateways, workers, gatewayPorts } = parts
  let opened: Promise<Backend> | undefined
  const open = (): Promise<Backend> =>
    openBackend(
      {
        kind: 'cluster',
        redisUrl: redis.url,
        mongoUri: mongo.uri,
        mongoDatabase: database,
        encryptionKeys: [{ id: 'test', key }],
      },
      createToolHooks(recorder),
    )
  return {
    redis,
    mongo,
    models,
    links,
    gateways,
    workers,
    processes: [...gateways, ...workers],
    gatewayPorts,
    balancerPort: parts.balancer?.port ?? 0,
    storeName: mongo.kind,
    openStore: async () => {
      opened ??= open()
      // Kept for the next one: it reconnects by itself, and a new one would wait for Redis.
      return { store: await opened, close: async () => undefined }
    },
    async stop() {
      await (await opened)?.close()
      return stopAll(parts)
    },
  }
}

async function stopAll(parts: Parts): Promise<string[]> {
  const { gateways, workers, links, balancer, models, redis, mongo } = parts
  const killed = await stopProcesses([...gateways, ...workers])
  await Promise.all(links.map(({ proxy }) => proxy.close()))
  await balancer?.stop()
  await Promise.all([models.stop(), redis.stop(), mongo.stop()])
  return killed
}
