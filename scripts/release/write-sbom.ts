import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

interface Manifest {
  devDependencies?: Record<string, string>
}

interface Lock {
  packages: Record<string, Manifest>
}

const TIMEOUT_MS = 120_000
/** Some hundred components of about a kilobyte. */
const MAX_BYTES = 16 << 20
/** Measures the product, and is no part of it. */
const NOT_SHIPPED = 'bench'

/**
 * Answers the bill of materials of what is shipped, as CycloneDX JSON that `npm sbom` made of the
 * lock file in `root`.
 *
 * `npm sbom --omit dev` leaves out each package that anything asks for as a development dependency,
 * also where the product needs it: drivers and token library, which tests use too. So it reads a
 * copy in which no development dependency is declared at all. What no workspace asks for is then
 * unreachable, and npm leaves it out.
 */
export async function writeSbom(root: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'chatbox-sbom-'))
  try {
    // npm names the component after the folder.
    const folder = join(home, 'chatbox')
    const workspaces = await copyManifests(root, folder)
    const { stdout } = await promisify(execFile)(
      'npm',
      ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'].concat(
        workspaces.map((workspace) => `--workspace=${workspace}`),
      ),
      { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES },
    )
    return stdout
  } finally {
    await rm(home, { recursive: true })
  }
}

/** Copies lock file and manifests without development dependencies. Answers the shipped workspaces. */
async function copyManifests(root: string, folder: string): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock
  const own = Object.keys(lock.packages).filter((path) => !path.includes('node_modules'))
  for (const path of own) {
    delete lock.packages[path]?.devDependencies
    await copyManifest(join(root, path, 'package.json'), join(folder, path, 'package.json'))
  }
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock))
  await cp(join(root, '.npmrc'), join(folder, '.npmrc'))
  return own.filter((path) => path !== '' && path !== NOT_SHIPPED)
}

async function copyManifest(from: string, to: string): Promise<void> {
  const manifest = JSON.parse(await readFile(from, 'utf8')) as Manifest
  delete manifest.devDependencies
  await mkdir(dirname(to), { recursive: true })
  await writeFile(to, JSON.stringify(manifest))
}
