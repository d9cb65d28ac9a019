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

/** With `BENCH_CPU_PROF` each process of the product writes a CPU profile there when it ends. */
const PROFILING: Settings = process.env.BENCH_CPU_PROF
  ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${process.env.BENCH_CPU_PROF}` }
  : {}
const SEED_TIMEOUT_MS = 480_000

/** A store that several may use at once without a word of one another. */
export interface BenchStore {
  mongo: RunningMongo
  /** Added to the settings of what uses the store. */
  env: Settings
}

export async function startStore(env: Settings = {}): Promise<BenchStore> {
  return { mongo: await startMongo(() => undefined), env }
}

export interface BenchBackEnds extends BackEnds {
  /** Of the servers that are processes of ours. */
  readonly pids: Pids
}

/** A Redis and a database that nobody else hears or reads; the store too, where none is given. */
export async function openBackEnds(store?: BenchStore): Promise<BenchBackEnds> {
  const report = (): undefined => undefined
  const backEnds = await startBackEnds(store ? { mongo: store.mongo } : { report })
  const { redis, mongo, env } = backEnds
  await Promise.all([pin(redis.pid, OTHER_CORE), pin(mongo.pid, OTHER_CORE)])
  const pids = { redis: redis.pid, store: mongo.pid }
  return { ...backEnds, pids, env: { ...env, LOG_LEVEL: 'error', ...store?.env } }
}

/** Where a standalone process keeps its data. */
export async function createFolder(): Promise<DataFolder> {
  const folder = await createDataFolder()
  const lasting = { LOG_LEVEL: 'error', RECONNECT_TIMEOUT: '1d', SESSION_IDLE_TIMEOUT: '1d' }
  return { ...folder, env: { ...folder.env, ...lasting } }
}

/** A program of the contestants as its own process, on the servers' core. */
export async function startContestant(
  file: string,
  env: Settings,
  name = file,
): Promise<ServiceProcess> {
  return pinned(await startService('gateway', { env, name, entry: pathOf(file) }))
}

/** A process of the product, on the servers' core; without the parts that `BENCH_WITHOUT` names. */
export async function startOurs(
  service: Service,
  env: Settings,
  name: string = service,
): Promise<ServiceProcess> {
  const entry = findEntry(service, env)
  const options = { env: { ...PROFILING, ...env }, name, ...(entry === undefined ? {} : { entry }) }
  return pinned(await startService(service, options))
}

/** Of the product without a part, or as it is in another folder; undefined for the product itself. */
function findEntry(service: Service, env: Settings): string | undefined {
  if (env.BENCH_FOLDER !== undefined) return entryIn(env.BENCH_FOLDER, service)
  return env.BENCH_WITHOUT === undefined ? undefined : pathOf(`ours/${service}-main.ts`)
}

/** The model server of a run, and the settings with which workers ask it. */
export interface Model {
  url: string
  settings: Settings
  stop(): Promise<unknown>
}

/** Away from the servers' core: it is not what is measured. */
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

/** Fills a database of the store; see the program that does it for what can be asked for. */
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
