import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startChild, type Child } from './child.ts'
import { findFreePort } from './ports.ts'
import { prepareMongoJavaServer } from './mongo-java-server.ts'
import { makePrimary, REPLICA_SET } from './replica-set.ts'

export interface RunningMongo {
  kind: 'MONGO_URI' | 'mongod' | 'mongodb-memory-server' | 'docker' | 'mongo-java-server'
  /** True for our own real MongoDB, the primary of a replica set of one. */
  isReal: boolean
  /** Names no database: each user of the address chooses its own. */
  uri: string
  port: number
  /** The server's process id, if it is a child of this process. */
  pid: number | undefined
  /** Sends a signal, for example SIGSTOP. Needs `pid`. */
  kill(signal: NodeJS.Signals): void
  /** Restarts it on the same port and data. Needs `pid`. */
  restart(): Promise<void>
  /** Stops it and removes its data. Idempotent. */
  stop(): Promise<void>
}

/** Explains in one line why no server could be started. */
export class NoMongoError extends Error {
  override readonly name = 'NoMongoError'
}

/** On images that the tests make themselves, under the names of real ones. */
export const STAND_IN_LABEL = 'chatbox.stand-in'

const run = promisify(execFile)
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 5_000

/** A unique database name. */
export function newMongoDatabase(): string {
  return `chatbox_test_${randomBytes(6).toString('hex')}`
}

export interface MongoOptions {
  /**
   * For minutes or hours of writes whose data is not needed afterwards. mongo-java-server then
   * keeps the data in memory, so `restart` finds none. The cost of writing its file grows with the
   * data: a third of two cores after 45 minutes of a soak with 30 messages a second.
   */
  isForLongRun?: boolean
}

/**
 * Starts a server for tests and trials. Uses the first of these that it finds: `MONGO_URI`,
 * `mongod` on the PATH, the mongodb-memory-server package, a local docker image, mongo-java-server
 * from Maven Central. Calls `report` with the choice. Throws `NoMongoError` with all reasons if
 * there is none.
 */
export async function startMongo(
  report: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
  { isForLongRun = false }: MongoOptions = {},
): Promise<RunningMongo> {
  const reasons: string[] = []
  const startJava = () => startJavaServer(isForLongRun)
  for (const start of [useGiven, startMongod, startMemoryServer, startInDocker, startJava]) {
    try {
      const mongo = await start()
      report(`store: ${mongo.kind} on port ${mongo.port}`)
      return mongo
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new NoMongoError(`no MongoDB-compatible server: ${reasons.join('; ')}`)
}

async function useGiven(): Promise<RunningMongo> {
  const uri = process.env.MONGO_URI
  if (!uri) throw new Error('MONGO_URI is not set')
  const port = Number(/:(\d+)/u.exec(uri.replace(/^.*@/u, ''))?.[1] ?? 27_017)
  const rest = withoutProcess(async () => undefined)
  return { kind: 'MONGO_URI', isReal: false, uri, port, ...rest }
}

async function startMongod(): Promise<RunningMongo> {
  await run('mongod', ['--version']).catch(() => {
    throw new Error('mongod is not on the PATH')
  })
  const own = ['--quiet', '--bind_ip', '127.0.0.1', '--replSet', REPLICA_SET]
  const toCommand = (port: number, folder: string): [string, string[]] => [
    'mongod',
    [...own, '--port', `${port}`, '--dbpath', folder],
  ]
  return startProcess('mongod', toCommand, makePrimary)
}

async function startJavaServer(isForLongRun: boolean): Promise<RunningMongo> {
  const toCommand = await prepareMongoJavaServer(isForLongRun)
  return startProcess('mongo-java-server', (port, folder) =>
    toCommand(port, join(folder, 'data.mv')),
  )
}

async function startMemoryServer(): Promise<RunningMongo> {
  // Not a dependency, because it downloads its server and many networks block that.
  const name = 'mongodb-memory-server-core'
  const library = (await import(name).catch(() => {
    throw new Error(`${name} is not installed`)
  })) as { MongoMemoryReplSet: { create(options: object): Promise<MemoryServer> } }
  const server = await library.MongoMemoryReplSet.create({ replSet: { count: 1 } })
  const port = Number(new URL(server.getUri()).port)
  const rest = withoutProcess(() => server.stop())
  return { kind: 'mongodb-memory-server', isReal: true, uri: toUri(port), port, ...rest }
}

interface MemoryServer {
  getUri(): string
  stop(): Promise<unknown>
}

async function startInDocker(): Promise<RunningMongo> {
  await run('docker', ['version'], { timeout: 10_000 }).catch(() => {
    throw new Error('no docker engine answers')
  })
  const image = await findMongoImage()
  if (image === undefined) throw new Error('docker has no image of mongo')
  const port = await findFreePort()
  // The same port on both sides, because the primary tells clients its own address.
  const publish = ['--publish', `127.0.0.1:${port}:${port}`]
  const own = ['--bind_ip_all', '--replSet', REPLICA_SET, '--port', `${port}`]
  const { stdout } = await run('docker', ['run', '--detach', '--rm', ...publish, image, ...own])
  const rest = withoutProcess(() => run('docker', ['kill', stdout.trim()]))
  const mongo = { kind: 'docker', isReal: true, uri: toUri(port), port, ...rest } as const
  try {
    await waitForPort(port, () => true)
    await makePrimary(mongo)
  } catch (error) {
    await mongo.stop()
    throw error
  }
  return mongo
}

/** One that is here already: a test does not wait for a registry. */
async function findMongoImage(): Promise<string | undefined> {
  const { stdout: ids } = await run('docker', ['image', 'ls', '--quiet', 'mongo'])
  const format = '{{.Id}} {{json .Config.Labels}}'
  const images = ids.split('\n').filter((id) => id !== '')
  if (images.length === 0) return undefined
  const { stdout } = await run('docker', ['image', 'inspect', '--format', format, ...images])
  const real = stdout
    .trim()
    .split('\n')
    .find((line) => !line.includes(STAND_IN_LABEL))
  return real?.split(' ')[0]
}

function toUri(port: number): string {
  return `mongodb://127.0.0.1:${port}`
}

function withoutProcess(
  stop: () => Promise<unknown>,
): Pick<RunningMongo, 'pid' | 'kill' | 'restart' | 'stop'> {
  const refuse = () => {
    throw new Error('this server is not a process of ours')
  }
  let stopped: Promise<unknown> | undefined
  return {
    pid: undefined,
    kill: refuse,
    restart: refuse,
    async stop() {
      await (stopped ??= stop())
    },
  }
}

async function startProcess(
  kind: RunningMongo['kind'],
  toCommand: (port: number, folder: string) => [string, string[]],
  afterStart?: (server: { port: number }) => Promise<void>,
): Promise<RunningMongo> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-mongo-'))
  const port = await findFreePort()
  let child: Child

  async function start(): Promise<void> {
    const [command, args] = toCommand(port, folder)
    // The end of standard input tells mongo-java-server that this process has ended.
    child = startChild(command, args, { hasInput: true })
    await waitForPort(port, child.isRunning)
    await afterStart?.({ port })
  }

  const end = () => child.stop(STOP_TIMEOUT_MS)

  await start().catch(async (error: unknown) => {
    await end()
    await rm(folder, { recursive: true, force: true })
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${kind} does not start: ${reason}`, { cause: error })
  })
  return {
    kind,
    isReal: kind === 'mongod',
    uri: toUri(port),
    port,
    get pid() {
      return child.pid
    },
    kill: (signal) => child.signal(signal),
    async restart() {
      await end()
      await start()
    },
    async stop() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function waitForPort(port: number, isAlive: () => boolean): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    if (!isAlive()) throw new Error('it ended at once')
    if (performance.now() > deadline) throw new Error('it did not listen in time')
    await sleep(50)
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
