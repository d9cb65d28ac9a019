import { randomBytes } from 'node:crypto'
import { startMongo } from '../../scripts/servers/mongo.ts'
import { startService, type ServiceProcess } from '../../scripts/servers/processes.ts'
import { startRedis } from '../../scripts/servers/redis.ts'
import { OTHER_CORE, pin, type Pids } from './measure/cpu.ts'

export interface BenchBackEnds {
  /** Settings with which gateways and workers find these back ends and one another. */
  env: Record<string, string>
  secret: string
  /** Of the servers that are processes of ours. */
  pids: Pids
  /** Which server the store is. */
  storeKind: string
  /** The same store with a Redis and a database that nobody else hears or reads. */
  openApart(): Promise<BenchBackEnds>
  stop(): Promise<void>
}

export interface BenchCluster {
  gateways: ServiceProcess[]
  secret: string
  stop(): Promise<void>
}

/** A Redis and a store of their own. */
export async function startBackEnds(): Promise<BenchBackEnds> {
  const mongo = await startMongo(() => undefined)
  await pin(mongo.pid, OTHER_CORE)
  return openBackEnds(mongo, () => mongo.stop())
}

async function openBackEnds(
  mongo: Awaited<ReturnType<typeof startMongo>>,
  stopStore: () => Promise<unknown>,
): Promise<BenchBackEnds> {
  const secret = randomBytes(48).toString('base64url')
  const redis = await startRedis()
  await pin(redis.pid, OTHER_CORE)
  return {
    secret,
    pids: { redis: redis.pid, store: mongo.pid },
    storeKind: mongo.kind,
    env: {
      MODE: 'cluster',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'error',
      REDIS_URL: redis.url,
      MONGO_URI: mongo.uri,
      MONGO_DATABASE: `chatbox_bench_${randomBytes(6).toString('hex')}`,
      JWT_SECRET: secret,
      ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
      RATE_LIMIT: '100000',
    },
    openApart: () => openBackEnds(mongo, () => Promise.resolve()),
    async stop() {
      await Promise.all([redis.stop(), stopStore()])
    },
  }
}

/** Two gateways and two workers that answer with the model at `modelUrl`. */
export async function startBenchCluster(modelUrl: string): Promise<BenchCluster> {
  const backEnds = await startBackEnds()
  const env = {
    ...backEnds.env,
    LLM_PROVIDER_1_ID: 'stamped',
    LLM_PROVIDER_1_TYPE: 'openai',
    LLM_PROVIDER_1_ENDPOINT: modelUrl,
    LLM_PROVIDER_1_API_KEY: randomBytes(24).toString('base64url'),
    LLM_PROVIDER_1_MODEL: 'stamped',
  }
  const start = (service: 'gateway' | 'worker') => (_: unknown, index: number) =>
    startService(service, { env, name: `${service}-${index + 1}` })
  const [gateways, workers] = await Promise.all([
    Promise.all(Array.from({ length: 2 }, start('gateway'))),
    Promise.all(Array.from({ length: 2 }, start('worker'))),
  ])
  return {
    gateways,
    secret: backEnds.secret,
    async stop() {
      await Promise.all([...gateways, ...workers].map((service) => service.stop()))
      await backEnds.stop()
    },
  }
}
