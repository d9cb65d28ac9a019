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
/** A few hundred components of about a kilobyte. */
const MAX_BYTES = 16 << 20
/** Measures the product but is not part of it. */
const NOT_SHIPPED = 'bench'

/**
 * Returns the bill of materials of what is shipped, as CycloneDX JSON that `npm sbom` makes from
 * the lock file in `root`. `npm sbom --omit dev` omits every package that is a development
 * dependency anywhere, even if the product needs it, such as drivers and the token library, which
 * tests use too. This function therefore reads a copy without development dependencies. npm then
 * omits what no workspace needs.
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

/**
 * Copies lock file and manifests without development dependencies. Returns the shipped workspaces.
 */
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
