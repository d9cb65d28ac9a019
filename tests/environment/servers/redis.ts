import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startChild, type Child } from './child.ts'
import { findFreePort } from './ports.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Undefined if the server is not our process. */
  readonly pid: number | undefined
  /** The folder with its files, if it runs on this machine. */
  readonly dir: string | undefined
  /** The way in which this Redis was found. */
  readonly how: 'redis-server' | 'REDIS_URL' | 'docker'
  /** Kills it at once, like a crash, and keeps its files. */
  kill(): Promise<void>
  /**
   * Restarts it on the same port and kills it first if it still runs. Without AOF it is then empty.
   */
  restart(): Promise<void>
  /** Stops it and removes its files. Idempotent. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  port?: number
  dir?: string
  /** Keeps an append-only file, so that a restart finds the data. Otherwise nothing is kept. */
  aof?: boolean
  /** Additional arguments of redis-server. */
  args?: string[]
  /** Makes it a Sentinel of that Redis instead. */
  sentinelOf?: { name: string; port: number }
}

const START_TIMEOUT_MS = 10_000
const IMAGE = 'redis:7-alpine'

/**
 * Returns why no Redis can be started here, or undefined. With `CI` set, a missing Redis is an
 * error and not a reason to skip.
 */
export async function findRedisSkipReason(): Promise<string | undefined> {
  if ((await findRunner()) !== undefined) return undefined
  const reason = 'no redis-server on PATH, no REDIS_URL, no docker: Redis tests are skipped'
  if (process.env.CI) throw new Error(reason)
  return reason
}

/** Starts a private Redis on a free port of 127.0.0.1, or uses the one in REDIS_URL. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const runner = await findRunner()
  if (runner === undefined) throw new Error('there is no Redis to start')
  if (runner.how === 'REDIS_URL') return useRedis(runner.url)
  const port = options.port ?? (await findFreePort())
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'chatbox-redis-')))
  let child = await startProcess(runner, { ...options, port, dir })

  async function kill(): Promise<void> {
    await (runner?.how === 'docker' ? child.stop() : child.kill())
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid
    },
    dir,
    how: runner.how,
    kill,
    async restart() {
      await kill()
      child = await startProcess(runner, { ...options, port, dir })
    },
    async stop() {
      await kill()
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

type Runner =
  | { how: 'redis-server'; command: string }
  | { how: 'docker'; command: string }
  | { how: 'REDIS_URL'; url: string }

async function findRunner(): Promise<Runner | undefined> {
  const server = await findOnPath('redis-server')
  if (server) return { how: 'redis-server', command: server }
  const url = process.env.REDIS_URL
  if (url) return { how: 'REDIS_URL', url }
  const docker = await findOnPath('docker')
  if (!docker) return undefined
  // The command alone is not enough: the engine must answer.
  const answers = await promisify(execFile)(docker, ['info'], { timeout: 5000 }).catch(() => false)
  return answers ? { how: 'docker', command: docker } : undefined
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name)
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return file
  }
  return undefined
}

async function startProcess(
  runner: Exclude<Runner, { how: 'REDIS_URL' }>,
  options: RedisServerOptions & { port: number; dir: string },
): Promise<Child> {
  const { port, dir, sentinelOf } = options
  if (sentinelOf) return startSentinel(runner.command, port, { dir, sentinelOf })
  const server = ['--port', String(port), '--save', '', '--dir']
  const aof = ['--appendonly', options.aof ? 'yes' : 'no', ...(options.args ?? [])]
  const words =
    runner.how === 'redis-server'
      ? [...server, dir, '--bind', '127.0.0.1', ...aof]
      : ['run', '--rm', '-p', `127.0.0.1:${port}:${port}`, '-v', `${dir}:/data`, IMAGE].concat(
          ['redis-server', ...server, '/data', '--protected-mode', 'no'],
          aof,
        )
  return startUntilAnswers(runner.command, words, port)
}

/** A Sentinel keeps its settings in a file, so it needs one. */
async function startSentinel(
  command: string,
  port: number,
  options: Required<Pick<RedisServerOptions, 'dir' | 'sentinelOf'>>,
): Promise<Child> {
  const { dir, sentinelOf } = options
  const file = join(dir, 'sentinel.conf')
  const monitor = `sentinel monitor ${sentinelOf.name} 127.0.0.1 ${sentinelOf.port} 1`
  await writeFile(file, `port ${port}\nbind 127.0.0.1\ndir ${dir}\n${monitor}\n`)
  return startUntilAnswers(command, [file, '--sentinel'], port)
}

async function startUntilAnswers(command: string, words: string[], port: number): Promise<Child> {
  const child = startChild(command, words)
  const failed = child.exited.then(() => {
    throw new Error(`Redis ended while it was starting on port ${port}: ${child.output()}`)
  })
  await Promise.race([waitUntilAnswers(port), failed])
  failed.catch(() => undefined)
  return child
}

/** PING answers +PONG when the data is loaded, and an error before. */
async function waitUntilAnswers(port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    if ((await ask(port, 'PING\r\n')).startsWith('+PONG')) return
    await sleep(20)
  }
  throw new Error(`Redis did not answer on port ${port} within ${START_TIMEOUT_MS} ms`)
}

async function ask(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(1000, () => socket.destroy())
  try {
    socket.write(line)
    const data: unknown[] = await once(socket, 'data', { signal: AbortSignal.timeout(1500) })
    return String(data[0])
  } catch {
    return ''
  } finally {
    socket.destroy()
  }
}

function useRedis(url: string): RedisServer {
  const cannot = async (): Promise<void> => {
    throw new Error('a Redis that REDIS_URL names is not ours to end')
  }
  return {
    url,
    port: Number(new URL(url).port || 6379),
    pid: undefined,
    dir: undefined,
    how: 'REDIS_URL',
    kill: cannot,
    restart: cannot,
    async stop() {
      // It existed before and is kept.
    },
  }
}
