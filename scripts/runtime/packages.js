import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runNpm } from './npm.js'
import { ROOT } from './root.js'

/** Installs what package-lock.json names and node_modules lacks; nothing when all is there. */
export async function installPackages({ withDevelopment }) {
  const wanted = readPackages(join(ROOT, 'package-lock.json'))
  const present = readPackages(join(ROOT, 'node_modules', '.package-lock.json'))
  if (!isMissing(wanted, present, withDevelopment)) return
  const omit = withDevelopment ? ['--include=dev'] : ['--omit=dev']
  // `npm ci` begins by deleting node_modules, under a running system's feet when there is one.
  const command = existsSync(join(ROOT, 'node_modules')) ? ['install', '--no-save'] : ['ci']
  await runNpm('Installing packages', [...command, ...omit])
}

function isMissing(wanted, present, withDevelopment) {
  return Object.entries(wanted).some(([path, entry]) => {
    // An optional package may be another platform's.
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
