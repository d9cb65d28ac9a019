// npm leaves a platform's package out of the lock file when the registry at hand does not have it,
// and `npm ci` then refuses the file on every platform. This adds what is left out, by name and
// version, and removes the addresses that tie the file to one registry. Run it after each change
// of the dependencies: `npm run lock`; with `--check` it only says whether that was forgotten.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface LockedPackage {
  version?: string
  resolved?: string
  optional?: boolean
  dev?: boolean
  link?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

interface LockFile {
  packages: Record<string, LockedPackage>
}

const FILE = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'netbsd']
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64']

function completeLock(lock: LockFile): LockFile {
  const packages = { ...lock.packages }
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const isThere = Object.keys(packages).some((key) => key.endsWith(`node_modules/${name}`))
      if (!isThere && path !== '') {
        packages[`node_modules/${name}`] = toEntry(name, version, entry.dev === true)
      }
    }
  }
  const sorted = Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { ...lock, packages: Object.fromEntries(sorted.map(withoutAddress)) }
}

function toEntry(name: string, version: string, dev: boolean): LockedPackage {
  const words = name.split(/[-/.]/)
  const os = SYSTEMS.find((system) => words.includes(system))
  const cpu = PROCESSORS.find((processor) => words.includes(processor))
  if (!os || !cpu) throw new Error(`Cannot tell the platform of ${name} from its name`)
  const libc = words.includes('gnu') ? 'glibc' : words.includes('musl') ? 'musl' : undefined
  return {
    version,
    cpu: [cpu],
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  }
}

function withoutAddress([path, entry]: [string, LockedPackage]): [string, LockedPackage] {
  // A link's address is a folder of this repository.
  if (entry.link) return [path, entry]
  const { resolved, ...kept } = entry
  return [path, kept]
}

const before = readFileSync(FILE, 'utf8')
const after = `${JSON.stringify(completeLock(JSON.parse(before) as LockFile), null, 2)}\n`
if (after === before) {
  console.log('package-lock.json is complete')
} else if (process.argv.includes('--check')) {
  console.error('package-lock.json is not complete: run `npm run lock`')
  process.exitCode = 1
} else {
  writeFileSync(FILE, after)
  console.log('package-lock.json completed')
}
