import { randomBytes } from 'node:crypto'
import { newMongoDatabase, startMongo, type RunningMongo } from '../../scripts/servers/mongo.ts'
import { startService, type Service, type ServiceProcess } from '../../scripts/servers/processes.ts'
import { startRedis, type RedisServer } from '../../scripts/servers/redis.ts'
import { TEST_SECRET } from './tokens.ts'
import { startTokenServer, type TokenServer } from './token-server.ts'

export interface TestCluster {
  readonly gateways: ServiceProcess[]
  readonly workers: ServiceProcess[]
  readonly redis: RedisServer
  readonly mongo: RunningMongo
  readonly models: TokenServer
  /** The settings that every process has. */
  readonly env: Readonly<Record<string, string>>
  /** Starts one more process of the cluster, which `stop` ends too. */
  add(service: Extract<Service, 'gateway' | 'worker'>): Promise<ServiceProcess>
  stop(): Promise<void>
}

/** Two gateways and two workers as real processes on a real Redis and store, and a model server. */
export async function startTestCluster(
  settings: Record<string, string> = {},
): Promise<TestCluster> {
  const [redis, mongo, models] = await Promise.all([startRedis(), startMongo(), startTokenServer()])
  const env = { ...toSettings(redis.url, mongo.uri, models.url), ...settings }
  const gateways: ServiceProcess[] = []
  const workers: ServiceProcess[] = []

  async function add(service: Service): Promise<ServiceProcess> {
    const group = service === 'gateway' ? gateways : workers
    const started = await startService(service, { env, name: `${service}-${group.length + 1}` })
    group.push(started)
    return started
  }

  async function stop(): Promise<void> {
    await Promise.all([...gateways, ...workers].map((service) => service.stop()))
    await Promise.all([models.stop(), redis.stop(), mongo.stop()])
  }

  const starts = await Promise.allSettled([
    add('gateway'),
    add('gateway'),
    add('worker'),
    add('worker'),
  ])
  const failed = starts.find((start) => start.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  return { gateways, workers, redis, mongo, models, env, add, stop }
}

function toSettings(redisUrl: string, mongoUri: string, modelUrl: string): Record<string, string> {
  return {
    MODE: 'cluster',
    LOG_LEVEL: 'info',
    HOST: '127.0.0.1',
    REDIS_URL: redisUrl,
    MONGO_URI: mongoUri,
    MONGO_DATABASE: newMongoDatabase(),
    JWT_SECRET: TEST_SECRET,
    ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    ALLOWED_ORIGINS: 'https://shop.example',
    RATE_LIMIT: '100000',
    MAX_CONNECTIONS_PER_USER: '100',
    DRAIN_TIMEOUT: '10s',
    LLM_PROVIDER_1_ID: 'tokens',
    LLM_PROVIDER_1_NAME: 'Tokens',
    LLM_PROVIDER_1_TYPE: 'openai',
    LLM_PROVIDER_1_ENDPOINT: `${modelUrl}/v1`,
    LLM_PROVIDER_1_API_KEY: randomBytes(24).toString('base64url'),
    LLM_PROVIDER_1_MODEL: 'tokens',
  }
}
