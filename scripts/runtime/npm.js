import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import process from 'node:process'
import { ROOT } from './root.js'

/** A fault of the machine or the network, told to the user in one or two lines. */
export class SetUpError extends Error {
  name = 'SetUpError'
}

/** Longest silence of npm's own that is bearable: an installation with a cold cache takes seconds. */
const TIMEOUT_MS = 10 * 60_000

const QUIET = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  // A package's wish for a newer Node is met by the Node that is installed beside it.
  '--loglevel=error',
  '--fetch-retries=3',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
]

/**
 * Runs npm in this repository, without the scripts of packages. Says on standard error what it is
 * doing and how long it took, because a first installation is a minute of silence otherwise.
 */
export async function runNpm(what, args) {
  requireWritable()
  process.stderr.write(`${what} ...\n`)
  const startedAt = Date.now()
  const { code, output } = await spawnNpm([...args, ...QUIET])
  if (code !== 0) throw new SetUpError(explain(what, output))
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  process.stderr.write(`${what}: done in ${seconds} s\n`)
}

function requireWritable() {
  try {
    accessSync(ROOT, constants.W_OK)
  } catch {
    throw new SetUpError(`Cannot write to ${ROOT}: packages are installed there.`)
  }
}

function spawnNpm(args) {
  const [command, first] = findNpm()
  const child = spawn(command, [...first, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && first.length === 0,
    timeout: TIMEOUT_MS,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000)
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new SetUpError(`Cannot run npm: ${error.message}`)))
    child.on('close', (code) => resolve({ code, output }))
  })
}

/** npm tells a script which npm runs it; the one on PATH serves where a person ran the file. */
function findNpm() {
  const running = process.env.npm_execpath
  return running?.endsWith('npm-cli.js') ? [process.execPath, [running]] : ['npm', []]
}

function explain(what, output) {
  // npm says what is wrong first and what else one might read afterwards.
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
