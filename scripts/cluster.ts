import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { buildWeb } from './build-web.ts'
import { endWithParent } from './end-with-parent.ts'
import { readOptions } from './read-options.ts'
import { startMongo } from './servers/mongo.ts'
import {
  launchService,
  waitUntilReady,
  type Service,
  type ServiceProcess,
} from './servers/processes.ts'
import { startRedis } from './servers/redis.ts'
import { startRoundRobin } from './servers/round-robin.ts'

const GATEWAYS = 2
const WORKERS = 2
const ROOT = fileURLToPath(new URL('../', import.meta.url))
const PORT = Number(process.env.PORT ?? 8080)
const HELP = {
  redis: 'Redis is needed: install `redis-server` (Debian, Ubuntu) or `redis` (Homebrew).',
  store:
    'A MongoDB-compatible store is needed: set MONGO_URI, or install mongod, docker or Java 17 with Maven.',
}

type Stop = () => Promise<unknown>

/** What was started, each with how it ends. Back ends come first and go last. */
interface Cluster {
  backEnds: Stop[]
  services: Stop[]
  processes: ServiceProcess[]
}

async function startCluster(cluster: Cluster): Promise<void> {
  const redis = await startRedis().catch((cause: unknown) => fail(HELP.redis, cause))
  cluster.backEnds.push(() => redis.stop())
  say('redis', `port ${redis.port}, process ${redis.pid}`)
  const mongo = await startMongo(() => undefined).catch((cause: unknown) => fail(HELP.store, cause))
  cluster.backEnds.push(() => mongo.stop())
  say('store', `${mongo.kind}, port ${mongo.port}, process ${mongo.pid ?? 'not ours'}`)

  const env = toSettings(redis.url, mongo.uri)
  const [gateways] = await Promise.all([
    startMany(cluster, 'gateway', { env, count: GATEWAYS }),
    startMany(cluster, 'worker', { env, count: WORKERS }),
  ])
  const addresses = gateways.map((gateway) => gateway.url)
  const proxy = await startRoundRobin(addresses, { port: PORT })
  cluster.services.push(() => proxy.stop())
  say('proxy', `port ${proxy.port}, in turn to ${gateways.map((one) => one.name).join(' and ')}`)
  console.log(`\nchatbox: http://localhost:${proxy.port}${env.PATH_PREFIX}/   (Ctrl-C stops it)\n`)
}

async function startMany(
  cluster: Cluster,
  service: Service,
  { env, count }: { env: Record<string, string>; count: number },
): Promise<ServiceProcess[]> {
  const names = Array.from({ length: count }, (_, index) => `${service}-${index + 1}`)
  return Promise.all(
    names.map(async (name) => {
      const onLine = (line: string) => console.log(`${name} | ${line}`)
      const started = await launchService(service, { env, name, onLine, cwd: ROOT })
      cluster.services.push(() => started.stop())
      cluster.processes.push(started)
      await waitUntilReady(started)
      const port = service === 'gateway' ? `port ${started.port}, ` : ''
      say(name, `${port}management port ${started.managementPort}, process ${started.pid}`)
      return started
    }),
  )
}

/** What the person set applies as in production; the rest is made for this run and forgotten. */
function toSettings(redisUrl: string, mongoUri: string): Record<string, string> {
  const given = Object.entries(process.env).filter(
    ([name]) => !/^(npm|PORT$|MANAGEMENT_)/.test(name),
  )
  return {
    LOG_LEVEL: 'warn',
    PATH_PREFIX: '/chatbox',
    PUBLIC_URL: `http://localhost:${PORT}`,
    ALLOWED_ORIGINS: `http://localhost:${PORT},http://127.0.0.1:${PORT}`,
    ALLOW_VISITORS: 'true',
    JWT_SECRET: randomBytes(48).toString('base64url'),
    ENCRYPTION_KEYS: `run:${randomBytes(32).toString('base64')}`,
    ...Object.fromEntries(given.map(([name, value]) => [name, value ?? ''])),
    HOST: '127.0.0.1',
    TRUSTED_PROXIES: '127.0.0.1/32',
    MODE: 'cluster',
    REDIS_URL: redisUrl,
    MONGO_URI: mongoUri,
    MONGO_DATABASE: 'chatbox',
  }
}

function say(name: string, state: string): void {
  console.log(`${name.padEnd(10)} ${state}`)
}

/** One line about what to install; the reason is there for one who has it and sees it fail. */
function fail(help: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new Error(`${help} (${reason})`)
}

async function stopCluster(cluster: Cluster): Promise<void> {
  await Promise.allSettled(cluster.services.map((stop) => stop()))
  await Promise.allSettled(cluster.backEnds.map((stop) => stop()))
}

/** Settles at a request to stop. */
async function waitForSignal(): Promise<void> {
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
}

/** Rejects when one of them ends, which nobody asked for: a cluster with a part missing misleads. */
async function waitForDeath(processes: ServiceProcess[]): Promise<never> {
  const first = processes.map(async ({ name, exited }) => ({ name, ...(await exited) }))
  const { name, code, signal } = await Promise.race(first)
  throw new Error(`${name} ended by itself with ${signal ?? `exit code ${code}`}`)
}

async function main(): Promise<void> {
  const cluster: Cluster = { backEnds: [], services: [], processes: [] }
  const stopped = waitForSignal()
  const started = buildWeb().then(() => startCluster(cluster))
  try {
    await Promise.race([stopped, started])
    await Promise.race([stopped, waitForDeath(cluster.processes)])
  } catch (error) {
    // The lines that follow are what the process printed, which is on the screen already.
    console.error(error instanceof Error ? error.message.split('\n')[0] : error)
    process.exitCode = 1
  }
  console.log('stopping ...')
  await stopCluster(cluster)
  // What a start that was cut short has begun in the meantime.
  await started.catch(() => undefined)
  await stopCluster(cluster)
  console.log('stopped')
}

readOptions({
  usage: 'npm run cluster --',
  about:
    'Starts Redis, a store, two gateways, two workers and a proxy on this machine, to try the system as it runs in production. Settings come from the environment; PORT is where the proxy listens. Ctrl-C stops all of it.',
  options: {},
})
endWithParent()
await main()
// A start that was cut short may still hold a timer; everything it opened is closed.
process.exit()
