#!/usr/bin/env node
// Runs a command of this repository on a machine that has only Node 20 and npm:
//
//   node scripts/with-runtime.js [--production] COMMAND [ARGUMENT...]
//
// It first installs the packages that are missing (with --production, only those that a running
// system needs) and a newer Node where this one is too old, both inside this folder. It has no
// dependencies and keeps to what Node 20 understands, because nothing is there before it ran.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { installPackages } from './runtime/packages.js'
import { findRuntime, installRuntime } from './runtime/node.js'
import { SetUpError } from './runtime/npm.js'
import { ROOT } from './runtime/root.js'

/** A terminal, npm and `timeout` may each deliver the same request to stop within moments. */
const SAME_SIGNAL_MS = 1000

async function main(argv) {
  const production = argv[0] === '--production'
  const [command, ...args] = production ? argv.slice(1) : argv
  if (!command) throw new SetUpError('Usage: with-runtime.js [--production] COMMAND [ARGUMENT...]')

  // Side by side: each spends most of its time waiting for the network.
  const done = await Promise.allSettled([
    installPackages({ withDevelopment: !production }),
    installRuntime(),
  ])
  for (const step of done) if (step.status === 'rejected') throw step.reason
  return run(command, args)
}

function run(command, args) {
  const runtime = findRuntime()
  const node = join(runtime, process.platform === 'win32' ? 'node.exe' : 'node')
  const path = [runtime, join(ROOT, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const child = spawn(command === 'node' ? node : command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    // A package's command is a `.cmd` file on Windows, which only a shell can start.
    shell: process.platform === 'win32' && command !== 'node',
    // npm hands its own Node to the scripts that it runs: both names must lead to the right one.
    env: { ...process.env, PATH: path, NODE: node, npm_node_execpath: node },
  })
  passSignals(child)
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new SetUpError(`Cannot run ${command}: ${error.message}`)))
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

function passSignals(child) {
  let passedAt = -Infinity
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to every process in it, so the child has it already.
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      if (Date.now() - passedAt < SAME_SIGNAL_MS) return
      passedAt = Date.now()
      child.kill(signal)
    })
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    process.stderr.write(`${error instanceof SetUpError ? error.message : error.stack}\n`)
    process.exitCode = 1
  },
)
