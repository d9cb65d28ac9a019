import { randomBytes } from 'node:crypto'
import { startMongo } from '../../scripts/servers/mongo.ts'
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
  stop(): Promise<void>
}

/** A store that several may use at once without a word of one another. */
export interface BenchStore {
  /** Which server it is. */
  kind: string
  /** A Redis and a database that nobody else hears or reads. */
  openBackEnds(): Promise<BenchBackEnds>
  stop(): Promise<void>
}

/** `env` is added to the settings of what uses the store. */
export async function startStore(env: Record<string, string> = {}): Promise<BenchStore> {
  const mongo = await startMongo(() => undefined)
  await pin(mongo.pid, OTHER_CORE)
  return {
    kind: mongo.kind,
    openBackEnds: () => openBackEnds(mongo, env),
    async stop() {
      await mongo.stop()
    },
  }
}

/** A Redis and a store of their own. */
export async function startBackEnds(): Promise<BenchBackEnds> {
  const store = await startStore()
  const backEnds = await store.openBackEnds()
  return {
    ...backEnds,
    async stop() {
      await Promise.all([backEnds.stop(), store.stop()])
    },
  }
}

async function openBackEnds(
  mongo: Pick<Awaited<ReturnType<typeof startMongo>>, 'pid' | 'uri' | 'kind'>,
  env: Record<string, string>,
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
      ...env,
    },
    async stop() {
      await redis.stop()
    },
  }
}
