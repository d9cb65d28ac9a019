import { fileURLToPath } from 'node:url'
import {
  createDataFolder,
  startBackEnds,
  toModelSettings,
  type BackEnds,
  type DataFolder,
  type Settings,
} from '../../tests/environment/cluster.ts'
import { startMongo, type RunningMongo } from '../../tests/environment/servers/mongo.ts'
import {
  startService,
  type Service,
  type ServiceProcess,
} from '../../tests/environment/servers/processes.ts'
import { entryIn } from '../../tests/environment/versions.ts'
import { OTHER_CORE, pin, SERVER_CORE, type Pids } from './measure/cpu.ts'

/** With `BENCH_CPU_PROF` each product process writes a CPU profile there when it ends. */
const PROFILING: Settings = process.env.BENCH_CPU_PROF
  ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${process.env.BENCH_CPU_PROF}` }
  : {}
const SEED_TIMEOUT_MS = 480_000

/** A store that several can use at once without affecting one another. */
export interface BenchStore {
  mongo: RunningMongo
  /** Added to the settings of the processes that use the store. */
  env: Settings
}

export async function startStore(env: Settings = {}): Promise<BenchStore> {
  return { mongo: await startMongo(() => undefined), env }
}

export interface BenchBackEnds extends BackEnds {
  /** The process ids of the servers that are our processes. */
  readonly pids: Pids
}

/** Starts a private Redis and a private database. Also starts the store unless one is given. */
export async function openBackEnds(store?: BenchStore): Promise<BenchBackEnds> {
  const report = (): undefined => undefined
  const backEnds = await startBackEnds(store ? { mongo: store.mongo } : { report })
  const { redis, mongo, env } = backEnds
  await Promise.all([pin(redis.pid, OTHER_CORE), pin(mongo.pid, OTHER_CORE)])
  const pids = { redis: redis.pid, store: mongo.pid }
  return { ...backEnds, pids, env: { ...env, LOG_LEVEL: 'error', ...store?.env } }
}

/** The data folder of a standalone process. */
export async function createFolder(): Promise<DataFolder> {
  const folder = await createDataFolder()
  const lasting = { LOG_LEVEL: 'error', RECONNECT_TIMEOUT: '1d', SESSION_IDLE_TIMEOUT: '1d' }
  return { ...folder, env: { ...folder.env, ...lasting } }
}

/** Starts a contestant's program as its own process, on the servers' core. */
export async function startContestant(
  file: string,
  env: Settings,
  name = file,
): Promise<ServiceProcess> {
  return pinned(await startService('gateway', { env, name, entry: pathOf(file) }))
}

/** Starts a process of the product on the servers' core, without the parts in `BENCH_WITHOUT`. */
export async function startOurs(
  service: Service,
  env: Settings,
  name: string = service,
): Promise<ServiceProcess> {
  const entry = findEntry(service, env)
  const options = { env: { ...PROFILING, ...env }, name, ...(entry === undefined ? {} : { entry }) }
  return pinned(await startService(service, options))
}

/**
 * Returns the program of the product without a part or in another folder; undefined for the product
 * itself.
 */
function findEntry(service: Service, env: Settings): string | undefined {
  if (env.BENCH_FOLDER !== undefined) return entryIn(env.BENCH_FOLDER, service)
  return env.BENCH_WITHOUT === undefined ? undefined : pathOf(`ours/${service}-main.ts`)
}

/** Starts the model server of a run. Returns the settings with which workers use it. */
export interface Model {
  url: string
  settings: Settings
  stop(): Promise<unknown>
}

/** Not on the servers' core, because it is not measured. */
export async function startModel(tokens: number, tokensPerSecond: number): Promise<Model> {
  const env = { TOKENS: String(tokens), TOKENS_PER_SECOND: String(tokensPerSecond) }
  const model = await startService('gateway', {
    env,
    name: 'model',
    entry: pathOf('model-main.ts'),
  })
  await pin(model.pid, OTHER_CORE)
  const settings = { ...toModelSettings(model.url), LLM_CONCURRENCY: '200' }
  return { url: model.url, settings, stop: () => model.stop() }
}

/** Fills a database of the store. See the seed program for its options. */
export async function seed(env: Settings, what: Settings): Promise<void> {
  const options = { name: 'seed', entry: pathOf('ours/seed-main.ts') }
  const readyTimeoutMs = SEED_TIMEOUT_MS
  const seeding = await startService('gateway', {
    ...options,
    readyTimeoutMs,
    env: { ...env, ...what },
  })
  await seeding.stop()
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`contestants/${file}`, import.meta.url))
}

async function pinned(started: ServiceProcess): Promise<ServiceProcess> {
  await pin(started.pid, SERVER_CORE)
  return started
}
