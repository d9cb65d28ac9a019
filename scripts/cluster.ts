import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startBalancer } from '../tests/environment/servers/balancer.ts'
import { asServices, Cluster, startBackEnds, type Settings } from '../tests/environment/cluster.ts'
import { NoMongoError } from '../tests/environment/servers/mongo.ts'
import type { ServiceProcess } from '../tests/environment/servers/processes.ts'
import { buildWeb } from './build-web.ts'
import { endWithParent } from './end-with-parent.ts'
import { readOptions } from './read-options.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const PORT = Number(process.env.PORT ?? 8080)
const HELP = {
  redis: 'Redis is needed: install `redis-server` (Debian, Ubuntu) or `redis` (Homebrew).',
  store:
    'A MongoDB-compatible store is needed: set MONGO_URI, or install mongod, docker or Java 17 with Maven.',
}

/** Everything that was started, each with its function to stop it. */
const stops: (() => Promise<unknown>)[] = []

async function startCluster(): Promise<Cluster<ServiceProcess>> {
  const backEnds = await startBackEnds({ report: () => undefined }).catch(refuse)
  const { redis, mongo } = backEnds
  say('redis', `port ${redis.port}, process ${redis.pid}`)
  say('store', `${mongo.kind}, port ${mongo.port}, process ${mongo.pid ?? 'not ours'}`)
  const services = asServices(({ name }) => ({
    onLine: (line) => console.log(`${name} | ${line}`),
    cwd: ROOT,
  }))
  const settings = toSettings(backEnds.env)
  const cluster = new Cluster(backEnds, { ...services, settings })
  stops.push(() => cluster.stop())
  await cluster.start()
  for (const { name, port, managementPort, pid } of cluster.processes) {
    const own = name.startsWith('gateway') ? `port ${port}, ` : ''
    say(name, `${own}management port ${managementPort}, process ${pid}`)
  }
  const { gateways } = cluster
  const ports = gateways.map(({ port }) => port)
  const balancer = await startBalancer(ports, { port: PORT })
  stops.push(() => balancer.close())
  say('proxy', `port ${PORT}, in turn to ${gateways.map(({ name }) => name).join(' and ')}`)
  console.log(`\nchatbox: http://localhost:${PORT}${settings.PATH_PREFIX}/   (Ctrl-C stops it)\n`)
  return cluster
}

/** The user's settings apply as in production. The rest is generated for this run only. */
function toSettings({ HOST = '', MODE = '', REDIS_URL = '', MONGO_URI = '' }: Settings): Settings {
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
    ...{ HOST, MODE, REDIS_URL, MONGO_URI },
    MONGO_DATABASE: 'chatbox',
  }
}

function say(name: string, state: string): void {
  console.log(`${name.padEnd(10)} ${state}`)
}

/** Says in one line what to install. The reason helps a user who has it installed. */
function refuse(cause: unknown): never {
  const help = cause instanceof NoMongoError ? HELP.store : HELP.redis
  throw new Error(`${help} (${cause instanceof Error ? cause.message : String(cause)})`)
}

async function stopAll(): Promise<void> {
  await Promise.allSettled(stops.map((stop) => stop()))
}

/** Resolves at a signal to stop. */
async function waitForSignal(): Promise<void> {
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
}

/** Rejects when one of them ends unexpectedly, because a cluster with a missing part misleads. */
async function waitForDeath({ processes }: Cluster<ServiceProcess>): Promise<never> {
  const first = processes.map(async ({ name, exited }) => ({ name, ...(await exited) }))
  const { name, code, signal } = await Promise.race(first)
  throw new Error(`${name} ended by itself with ${signal ?? `exit code ${code}`}`)
}

async function main(): Promise<void> {
  const stopped = waitForSignal()
  const started = buildWeb().then(startCluster)
  try {
    await Promise.race([stopped, started.then(waitForDeath)])
  } catch (error) {
    // The other lines are the process's output, which is on the screen already.
    console.error(error instanceof Error ? error.message.split('\n')[0] : error)
    process.exitCode = 1
  }
  console.log('stopping ...')
  await stopAll()
  // Also stop what an interrupted start has opened in the meantime.
  await started.catch(() => undefined)
  await stopAll()
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
// An interrupted start may still hold a timer. Everything it opened is closed.
process.exit()
