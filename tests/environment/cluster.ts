import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startModelServer, streamTokens, type ModelServer } from './model-server.ts'
import { newMongoDatabase, startMongo, type RunningMongo } from './servers/mongo.ts'
import {
  launchService,
  startService,
  waitUntilReady,
  type ProcessOptions,
  type ServiceProcess,
} from './servers/processes.ts'
import { startRedis, type RedisServer } from './servers/redis.ts'
import { TEST_SECRET } from './tokens.ts'

export type Settings = Record<string, string>

/** What the texts of a run are encrypted with. */
export const TEST_ENCRYPTION = { id: 'test', key: randomBytes(32) }

/** What every process is told: secrets of this run alone, and limits that no test meets by accident. */
const COMMON: Readonly<Settings> = {
  HOST: '127.0.0.1',
  JWT_SECRET: TEST_SECRET,
  ENCRYPTION_KEYS: `${TEST_ENCRYPTION.id}:${TEST_ENCRYPTION.key.toString('base64')}`,
  ALLOWED_ORIGINS: 'https://shop.example',
  RATE_LIMIT: '100000',
  MAX_CONNECTIONS_PER_USER: '100',
}

/** Settings with which workers ask the model server at `url`. */
export function toModelSettings(url: string): Settings {
  return {
    LLM_PROVIDER_1_ID: 'tokens',
    LLM_PROVIDER_1_NAME: 'Tokens',
    LLM_PROVIDER_1_TYPE: 'openai',
    LLM_PROVIDER_1_ENDPOINT: `${url}/v1`,
    LLM_PROVIDER_1_API_KEY: randomBytes(24).toString('base64url'),
    LLM_PROVIDER_1_MODEL: 'tokens',
  }
}

/** What the processes of a cluster share, under a name that no other cluster has. */
export interface BackEnds {
  readonly redis: RedisServer
  readonly mongo: RunningMongo
  /** Settings with which processes find them, and one another. */
  readonly env: Readonly<Settings>
  stop: () => Promise<void>
}

export interface BackEndOptions {
  /** A store that others use too, and that stays. */
  mongo?: RunningMongo
  isForLongRun?: boolean
  /** Gets which store it is. */
  report?: (line: string) => void
}

export async function startBackEnds(options: BackEndOptions = {}): Promise<BackEnds> {
  const { report, isForLongRun = false } = options
  const redis = await startRedis()
  const mongo =
    options.mongo ??
    (await startMongo(report, { isForLongRun }).catch(async (error: unknown) => {
      await redis.stop()
      throw error
    }))
  return {
    redis,
    mongo,
    env: {
      ...COMMON,
      MODE: 'cluster',
      REDIS_URL: redis.url,
      MONGO_URI: mongo.uri,
      MONGO_DATABASE: newMongoDatabase(),
    },
    async stop() {
      await redis.stop()
      if (!options.mongo) await mongo.stop()
    },
  }
}

export type Role = 'gateway' | 'worker'

/** One process of a cluster that is about to be started. */
export interface Place {
  service: Role
  /** Counted from 1 for each service. */
  index: number
  /** Such as `gateway-1`. */
  name: string
  env: Settings
}

/** How processes come to be: all are launched one after the other, and then become ready together. */
export interface Launching<P> {
  launch: (place: Place) => Promise<P>
  ready: (process: P) => Promise<void>
}

/** As the services are, with what `more` says of each, such as another entry. */
export function asServices(
  more: (place: Place) => Partial<ProcessOptions> = () => ({}),
): Launching<ServiceProcess> {
  return {
    launch: (place) =>
      launchService(place.service, { env: place.env, name: place.name, ...more(place) }),
    ready: (process) => waitUntilReady(process),
  }
}

export interface ClusterOptions<P> extends Launching<P> {
  gateways?: number
  workers?: number
  /** Besides those of the back ends. */
  settings?: Settings
}

/** Gateways and workers as real processes around their back ends, which end with them. */
export class Cluster<P extends { stop(): Promise<unknown> }> {
  readonly gateways: P[] = []
  readonly workers: P[] = []
  readonly backEnds: BackEnds
  readonly env: Settings
  readonly #options: ClusterOptions<P>

  constructor(backEnds: BackEnds, options: ClusterOptions<P>) {
    this.backEnds = backEnds
    this.#options = options
    this.env = { ...backEnds.env, ...options.settings }
  }

  get redis(): RedisServer {
    return this.backEnds.redis
  }

  get mongo(): RunningMongo {
    return this.backEnds.mongo
  }

  get processes(): P[] {
    return [...this.gateways, ...this.workers]
  }

  /** Rejects where one does not become ready, and has ended all of them then. */
  async start(): Promise<this> {
    const { gateways = 2, workers = 2, ready } = this.#options
    try {
      for (let index = 0; index < gateways; index += 1) await this.#launch('gateway')
      for (let index = 0; index < workers; index += 1) await this.#launch('worker')
      await Promise.all(this.processes.map(ready))
    } catch (error) {
      await this.stop()
      throw error
    }
    return this
  }

  /** Starts one more process, which `stop` ends too. */
  async add(service: Role): Promise<P> {
    const process = await this.#launch(service)
    await this.#options.ready(process)
    return process
  }

  /** Ends all that was started until now. */
  async stop(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop()))
    await this.backEnds.stop()
  }

  async #launch(service: Role): Promise<P> {
    const group = service === 'gateway' ? this.gateways : this.workers
    const index = group.length + 1
    const place = { service, index, name: `${service}-${index}`, env: this.env }
    const process = await this.#options.launch(place)
    group.push(process)
    return process
  }
}

/** A cluster with a model server whose answers say how long they are. */
export interface TestCluster extends Cluster<ServiceProcess> {
  readonly models: ModelServer
}

/** Two gateways and two workers on a Redis, a store and a model server of their own. */
export async function startTestCluster(settings: Settings = {}): Promise<TestCluster> {
  const [backEnds, models] = await Promise.all([startBackEnds(), startModelServer(streamTokens)])
  const common = { LOG_LEVEL: 'info', DRAIN_TIMEOUT: '10s', ...toModelSettings(models.url) }
  const owned: BackEnds = {
    ...backEnds,
    async stop() {
      await Promise.all([backEnds.stop(), models.stop()])
    },
  }
  const cluster = new Cluster(owned, { ...asServices(), settings: { ...common, ...settings } })
  return Object.assign(await cluster.start(), { models })
}

/** Where one process keeps its data, which outlives it. */
export interface DataFolder {
  readonly env: Readonly<Settings>
  readonly dataDir: string
  remove: () => Promise<void>
}

/** In the place that is given, or in one of its own. */
export async function createDataFolder(at?: string): Promise<DataFolder> {
  const dataDir = at ?? (await mkdtemp(join(tmpdir(), 'chatbox-data-')))
  return {
    dataDir,
    env: { ...COMMON, MODE: 'standalone', DATA_DIR: dataDir },
    remove: () => rm(dataDir, { recursive: true, force: true }),
  }
}

/** The whole product as one process with a folder of its own, which goes when it stops. */
export async function startStandalone(settings: Settings): Promise<ServiceProcess> {
  const folder = await createDataFolder()
  const process = await startService('standalone', { env: { ...folder.env, ...settings } })
  return {
    ...process,
    async stop(graceMs) {
      const exit = await process.stop(graceMs)
      await folder.remove()
      return exit
    },
  }
}
