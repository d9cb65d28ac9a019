import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { refuseUsage } from '../../scripts/read-options.ts'
import { ROOT } from '../../scripts/run-command.ts'
import type { Service } from './servers/processes.ts'

const run = promisify(execFile)
const INSTALL = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
/** Our own packages are links into the folders of the same copy. */
const OWN_SCOPE = '@chatbox'

/**
 * Returns the checked-out commit, and whether anything except documents differs from it; undefined
 * outside a repository.
 */
export async function findCommit(): Promise<string | undefined> {
  const git = (...args: string[]): Promise<string> =>
    run('git', args, { cwd: ROOT }).then(({ stdout }) => stdout.trim())
  try {
    const commit = await git('rev-parse', '--short', 'HEAD')
    const changes = await git('status', '--porcelain', '--', '.', ':!docs')
    return changes === '' ? commit : `${commit} with changes`
  } catch {
    return undefined
  }
}

/** The product at another commit, to run beside this one. */
export interface OtherVersion {
  commit: string
  folder: string
  remove(): Promise<void>
}

/**
 * Puts a copy of `ref` with its packages into a temporary folder. Ends the process with one line where
 * git knows no commit of that name.
 */
export async function prepareVersion(ref: string): Promise<OtherVersion> {
  const name = ['rev-parse', '--short', '--verify', '--end-of-options', `${ref}^{commit}`]
  const { stdout } = await run('git', name, { cwd: ROOT }).catch(() =>
    refuseUsage(`there is no commit ${ref}`),
  )
  const commit = stdout.trim()
  const folder = await mkdtemp(join(tmpdir(), `chatbox-${commit}-`))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const archive = join(folder, '.tar')
    await run('git', ['archive', '--output', archive, commit], { cwd: ROOT })
    await run('tar', ['-xf', archive, '-C', folder])
    await addPackages(folder)
  } catch (error) {
    await remove()
    throw error
  }
  return { commit, folder, remove }
}

/** Returns the program of a service in the copy in `folder`. */
export function entryIn(folder: string, service: Service): string {
  return join(folder, `services/${service}/src/main.ts`)
}

/** Uses the packages of this repository if they are the same. */
async function addPackages(folder: string): Promise<void> {
  const [here, there] = await Promise.all(
    [ROOT, folder].map((root) => readFile(join(root, 'package-lock.json'), 'utf8')),
  )
  if (here !== there) {
    await run('npm', INSTALL, { cwd: folder })
    return
  }
  const [from, to] = [join(ROOT, 'node_modules'), join(folder, 'node_modules')]
  await mkdir(to)
  for (const name of await readdir(from)) {
    if (name === OWN_SCOPE) await cp(join(from, name), join(to, name), LINKS_AS_THEY_ARE)
    else await symlink(join(from, name), join(to, name))
  }
}

const LINKS_AS_THEY_ARE = { recursive: true, verbatimSymlinks: true }
