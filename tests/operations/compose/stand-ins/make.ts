// Makes images that stand in for the ones of docker-compose.yml where no registry can be reached,
// under the names of the real ones, so that the file runs as it is. Of programs that Debian has they
// hold Debian's. An image of that name that was not made here is the real one, and stays.
//
//   node --conditions=chatbox-source tests/operations/compose/stand-ins/make.ts redis mongo
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { STAND_IN_LABEL } from '../../../environment/servers/mongo.ts'
import { makeMongoJavaServer } from '../../../environment/servers/mongo-java-server.ts'
import { findDocker, tryDocker } from '../../support/docker.ts'

const run = promisify(execFile)
const HERE = import.meta.dirname
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const DEBS = join(process.env.CHATBOX_CACHE ?? join(homedir(), '.cache/chatbox'), 'debs')
const STEP_TIMEOUT_MS = 300_000

interface StandIn {
  image: string
  /** Packages of Debian bookworm that are unpacked into it, with what the base lacks of theirs. */
  packages: string[]
  /** Other files from this machine: where they are, by their place in the build. */
  files?: () => Promise<Record<string, string>>
}

export const STAND_INS = {
  redis: {
    image: 'redis:8.2.1-alpine',
    packages: ['redis-server', 'redis-tools', 'libatomic1', 'libjemalloc2', 'liblzf1'],
  },
  mongo: {
    image: 'mongo:8.0.13',
    packages: ['openjdk-17-jre-headless'],
    files: async () => ({ server: await makeMongoJavaServer() }),
  },
  haproxy: {
    image: 'haproxy:3.2.4-alpine',
    packages: ['haproxy', 'liblua5.3-0', 'libopentracing1', 'libopentracing-c-wrapper0'],
  },
  prometheus: { image: 'prom/prometheus:v3.5.0', packages: ['prometheus'] },
  alertmanager: { image: 'prom/alertmanager:v0.28.1', packages: ['prometheus-alertmanager'] },
  grafana: {
    image: 'grafana/grafana:12.1.1',
    packages: [],
    files: async () => ({ node: process.execPath, yaml: join(ROOT, 'node_modules/yaml') }),
  },
  mailpit: {
    image: 'axllent/mailpit:v1.27.7',
    packages: [],
    files: async () => ({ node: process.execPath }),
  },
} satisfies Record<string, StandIn>

export type StandInName = keyof typeof STAND_INS

/** Makes those that are missing or were made from other sources. `path` is that of docker. */
export async function makeStandIns(path: string, names: readonly StandInName[]): Promise<void> {
  await run(join(ROOT, 'tests/operations/image/make-base'), [], {
    env: { ...process.env, DOCKER: path },
    timeout: STEP_TIMEOUT_MS,
  })
  for (const name of names) await makeStandIn(path, name)
}

async function makeStandIn(path: string, name: StandInName): Promise<void> {
  const { image, packages, files }: StandIn = STAND_INS[name]
  const others = (await files?.()) ?? {}
  const hash = await hashSources(join(HERE, name), [...packages, ...Object.values(others)])
  const label = '{{json .Config.Labels}}'
  const found = tryDocker(path, 'image', 'inspect', '--format', label, image)
  const isReal = found.status === 0 && !found.stdout.includes(STAND_IN_LABEL)
  if (isReal || found.stdout.includes(hash)) return
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-stand-in-'))
  try {
    await cp(join(HERE, name), folder, { recursive: true })
    if (packages.length > 0) await unpack(packages, join(folder, 'root'))
    for (const [place, source] of Object.entries(others)) {
      await cp(source, join(folder, place), { recursive: true, dereference: true })
    }
    const args = [
      'build',
      '--quiet',
      '--label',
      `${STAND_IN_LABEL}=${hash}`,
      '--tag',
      image,
      folder,
    ]
    await run(path, args, { timeout: STEP_TIMEOUT_MS })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function hashSources(folder: string, more: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(more.join('\n'))
  for (const name of (await readdir(folder)).sort()) {
    hash.update(name).update(await readFile(join(folder, name)))
  }
  return hash.digest('hex').slice(0, 16)
}

/** Downloads packages once and unpacks them without installing, which would start servers. */
async function unpack(packages: readonly string[], root: string): Promise<void> {
  await mkdir(DEBS, { recursive: true })
  const missing = await findMissing(packages)
  if (missing.length > 0) {
    await run('apt-get', ['download', '-qq', ...missing], { cwd: DEBS, timeout: STEP_TIMEOUT_MS })
  }
  for (const file of await readdir(DEBS)) {
    if (packages.some((name) => file.startsWith(`${name}_`))) {
      await run('dpkg', ['--extract', join(DEBS, file), root], { timeout: STEP_TIMEOUT_MS })
    }
  }
  // In the base these are links into /usr, which a folder of that name would put an end to.
  for (const folder of ['lib', 'bin', 'sbin']) {
    const place = join(root, folder)
    await cp(place, join(root, 'usr', folder), { recursive: true, verbatimSymlinks: true }).catch(
      () => undefined,
    )
    await rm(place, { recursive: true, force: true })
  }
}

async function findMissing(packages: readonly string[]): Promise<string[]> {
  const files = await readdir(DEBS)
  return packages.filter((name) => !files.some((file) => file.startsWith(`${name}_`)))
}

async function main(names: readonly string[]): Promise<void> {
  const path = findDocker()
  if (path === undefined) throw new Error('no Docker Engine answers')
  const all = Object.keys(STAND_INS) as StandInName[]
  const wanted = names.length > 0 ? all.filter((name) => names.includes(name)) : all
  await makeStandIns(path, wanted)
  for (const name of wanted) process.stdout.write(`${STAND_INS[name].image}\n`)
}

if (import.meta.filename === process.argv[1]) await main(process.argv.slice(2))
