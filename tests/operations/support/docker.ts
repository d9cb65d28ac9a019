import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MAKE_BASE = join(ROOT, 'tests/operations/image/make-base')
const ANSWER_MS = 10_000
const BUILD_MS = 8 * 60_000
const BUILDKIT = { DOCKER_BUILDKIT: '1' }

/** What compose file and chart call the product's image. */
export const IMAGE = `ghcr.io/chatbox/chatbox:${readVersion()}`

/**
 * The path of a `docker` that has an engine to talk to and can build with BuildKit, or undefined. The
 * first one on the PATH is not always it: other tools bring clients of that name along.
 */
export function findDocker(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders
    .map((folder) => join(folder, 'docker'))
    .filter((path) => existsSync(path))
    .find((path) => succeeds(path, ['info']) && succeeds(path, ['build', '--help']))
}

function succeeds(path: string, args: string[]): boolean {
  const env = { ...process.env, ...BUILDKIT }
  return spawnSync(path, args, { env, timeout: ANSWER_MS }).status === 0
}

/** Runs docker and answers what it printed. Throws with what it said when it fails. */
export function docker(path: string, ...args: string[]): string {
  return execFileSync(path, args, { encoding: 'utf8', timeout: BUILD_MS, maxBuffer: 64 << 20 })
}

/** As `docker`, for a command that may fail. */
export function tryDocker(path: string, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(path, args, { encoding: 'utf8', timeout: BUILD_MS, maxBuffer: 64 << 20 })
}

interface BuildOptions {
  /** The folder that is built; the checkout when left out. */
  context?: string
  tag?: string
  /** Written into the image's labels. */
  version?: string
}

/**
 * Builds the product's image as it is in a folder, on a base that is made here where the real one
 * cannot be pulled. Answers its tag. What has not changed comes from Docker's cache.
 */
export async function buildImage(path: string, options: BuildOptions = {}): Promise<string> {
  const { context = ROOT, tag = IMAGE, version = readVersion() } = options
  await run(MAKE_BASE, [], { DOCKER: path })
  // A build's own network has no way out on every machine that tests run on; the host's has.
  const args = ['build', '--quiet', '--network', 'host', '--tag', tag]
  args.push(
    '--build-arg',
    `VERSION=${version}`,
    '--file',
    join(context, 'docker/Dockerfile'),
    context,
  )
  await run(path, args, BUILDKIT)
  return tag
}

async function run(command: string, args: string[], env: Record<string, string>): Promise<void> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_MS,
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${said}`)
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  return manifest.version
}
