import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The folder of this repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A fault of the machine or the network, described to the user in one or two lines. */
export class SetUpError extends Error {
  name = 'SetUpError'
}

/** The longest acceptable silence of npm: an installation with a cold cache takes seconds. */
const TIMEOUT_MS = 10 * 60_000
const MAX_OUTPUT_BYTES = 16 << 20

const QUIET = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  // The Node that is installed beside it satisfies a package that needs a newer one.
  '--loglevel=error',
  '--fetch-retries=3',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
]

/**
 * Runs npm in this repository without the scripts of packages. Reports on standard error what it
 * does and how long it took, because a first installation takes a minute.
 */
export async function runNpm(what, args) {
  process.stderr.write(`${what} ...\n`)
  const startedAt = Date.now()
  const fault = await spawnNpm([...args, ...QUIET])
  if (fault !== undefined) throw new SetUpError(explain(what, fault))
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  process.stderr.write(`${what}: done in ${seconds} s\n`)
}

async function spawnNpm(args) {
  const [command, first] = findNpm()
  const options = {
    cwd: ROOT,
    shell: process.platform === 'win32' && first.length === 0,
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  }
  try {
    await promisify(execFile)(command, [...first, ...args], options)
    return undefined
  } catch (error) {
    if (error.syscall) throw new SetUpError(`Cannot run npm: ${error.message}`)
    return error.stderr + error.stdout
  }
}

/** npm tells a script which npm runs it. If a person runs the file, the one on the PATH is used. */
function findNpm() {
  const running = process.env.npm_execpath
  return running?.endsWith('npm-cli.js') ? [process.execPath, [running]] : ['npm', []]
}

function explain(what, output) {
  // npm prints the error first and further reading after it.
  const detail = output.trim().split('\n').slice(0, 5).join('\n')
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET|EHOSTUNREACH/.test(output)
  ) {
    return `${what}: the package registry cannot be reached. Is there a network, or does it need a proxy?\n${detail}`
  }
  if (/EACCES|EROFS|EPERM|ENOSPC/.test(output)) {
    return `${what}: cannot write to ${ROOT} or to npm's cache.\n${detail}`
  }
  return `${what} failed.\n${detail}`
}

/** Installs the packages of package-lock.json that node_modules lacks. */
export async function installPackages({ withDevelopment }) {
  const wanted = readPackages(join(ROOT, 'package-lock.json'))
  const present = readPackages(join(ROOT, 'node_modules', '.package-lock.json'))
  if (!isMissing(wanted, present, withDevelopment)) return
  const omit = withDevelopment ? ['--include=dev'] : ['--omit=dev']
  // `npm ci` first deletes node_modules, even if a system is running from it.
  const command = existsSync(join(ROOT, 'node_modules')) ? ['install', '--no-save'] : ['ci']
  await runNpm('Installing packages', [...command, ...omit])
}

function isMissing(wanted, present, withDevelopment) {
  return Object.entries(wanted).some(([path, entry]) => {
    // An optional package may be for another platform.
    if (path === '' || entry.optional || entry.devOptional) return false
    if (entry.dev && !withDevelopment) return false
    return present[path]?.version !== entry.version || present[path]?.link !== entry.link
  })
}

/** npm writes the second of the two files itself: it lists what is installed. */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return {}
  }
}
