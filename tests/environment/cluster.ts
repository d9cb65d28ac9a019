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

/** The encryption keys of a run. */
export const TEST_ENCRYPTION = { id: 'test', key: randomBytes(32) }

/**
 * The settings of every process: secrets of this run, and limits that no test reaches by accident.
 */
const COMMON: Readonly<Settings> = {
  HOST: '127.0.0.1',
  JWT_SECRET: TEST_SECRET,
  ENCRYPTION_KEYS: `${TEST_ENCRYPTION.id}:${TEST_ENCRYPTION.key.toString('base64')}`,
  ALLOWED_ORIGINS: 'https://shop.example',
  RATE_LIMIT: '100000',
  VISITOR_RATE_LIMIT: '100000',
  NEW_VISITORS_PER_ADDRESS: '100000',
  MAX_CONNECTIONS_PER_USER: '100',
  MAX_CONNECTIONS_PER_ADDRESS: '100000',
  HANDSHAKES_PER_ADDRESS: '1000000',
}

/** The settings with which workers use the model server at `url`. */
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

/** The back ends that the processes of a cluster share, under a unique name. */
export interface BackEnds {
  readonly redis: RedisServer
  readonly mongo: RunningMongo
  /** The settings with which processes find the back ends and one another. */
  readonly env: Readonly<Settings>
  stop: () => Promise<void>
}

export interface BackEndOptions {
  /** A shared store, which is not removed. */
  mongo?: RunningMongo
  isForLongRun?: boolean
  /** Called with the kind of store. */
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

/** A process of a cluster that is about to start. */
export interface Place {
  service: Role
  /** Counted from 1 for each service. */
  index: number
  /** For example `gateway-1`. */
  name: string
  env: Settings
}

/** Starts processes: launches them one after another, then waits until all are ready. */
export interface Launching<P> {
  launch: (place: Place) => Promise<P>
  ready: (process: P) => Promise<void>
}

/** Starts the services, with the options that `more` returns for each. */
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
  /** Settings besides those of the back ends. */
  settings?: Settings
}

/** Gateways and workers as real processes around their back ends. The back ends stop with them. */
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

  /** Starts them all. If one does not become ready, stops all and rejects. */
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

  /** Starts another process, which `stop` also stops. */
  async add(service: Role): Promise<P> {
    const process = await this.#launch(service)
    await this.#options.ready(process)
    return process
  }

  /** Stops everything that has been started so far. */
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

/** A cluster with a model server. Each question sets the length of its answer. */
export interface TestCluster extends Cluster<ServiceProcess> {
  readonly models: ModelServer
}

/** Starts two gateways and two workers with their own Redis, store and model server. */
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

/** The data folder of one process. It outlives the process. */
export interface DataFolder {
  readonly env: Readonly<Settings>
  readonly dataDir: string
  remove: () => Promise<void>
}

/** Uses the given folder or a new one. */
export async function createDataFolder(at?: string): Promise<DataFolder> {
  const dataDir = at ?? (await mkdtemp(join(tmpdir(), 'chatbox-data-')))
  return {
    dataDir,
    env: { ...COMMON, MODE: 'standalone', DATA_DIR: dataDir },
    remove: () => rm(dataDir, { recursive: true, force: true }),
  }
}

/** Starts the whole product as one process. Its folder is removed when it stops. */
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
