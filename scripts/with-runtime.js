#!/usr/bin/env node
// Runs a command of this repository on a machine that has only Node 20 and npm:
//
//   node scripts/with-runtime.js [--production] [--session] COMMAND [ARGUMENT...]
//
// It first installs missing packages (with --production only those of a running system) and, if
// this Node is too old, a newer one, both inside this folder. It has no dependencies and uses only
// what Node 20 understands, because nothing else is installed before it runs.
//
// --session is for servers: each signal to stop reaches them once, from here. Otherwise the
// terminal would send Ctrl-C to every process in it and npm would send it again. A second signal
// ends a process at once.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { findRuntime, installRuntime } from './runtime/node.js'
import { installPackages, ROOT, SetUpError } from './runtime/npm.js'

/** A terminal, npm and `timeout` may each deliver the same signal within moments. */
const SAME_SIGNAL_MS = 1000
const ORPHAN_POLL_MS = 500

async function main(argv) {
  const flags = argv.slice(
    0,
    argv.findIndex((word) => !word.startsWith('--')),
  )
  const command = argv.slice(flags.length)
  if (command.length === 0) throw new SetUpError('Usage: with-runtime.js [FLAG...] COMMAND ...')

  // In parallel, because each mostly waits for the network.
  const done = await Promise.allSettled([
    installPackages({ withDevelopment: !flags.includes('--production') }),
    installRuntime(),
  ])
  for (const step of done) if (step.status === 'rejected') throw step.reason
  return run(command, flags.includes('--session'))
}

function run([command, ...args], session) {
  const runtime = findRuntime()
  const node = join(runtime, process.platform === 'win32' ? 'node.exe' : 'node')
  const path = [runtime, join(ROOT, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const child = spawn(command === 'node' ? node : command, args, {
    cwd: ROOT,
    // The channel closes when this process is gone for any reason: see end-with-parent.
    stdio: session ? ['ignore', 'inherit', 'inherit', 'ipc'] : 'inherit',
    detached: session && process.platform !== 'win32',
    // On Windows a package's command is a `.cmd` file, which only a shell can start.
    shell: process.platform === 'win32' && command !== 'node',
    // npm passes its own Node to the scripts that it runs. Both names must lead to the right one.
    env: { ...process.env, PATH: path, NODE: node, npm_node_execpath: node },
  })
  passSignals(child, session)
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new SetUpError(`Cannot run ${command}: ${error.message}`)))
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

function passSignals(child, session) {
  let passedAt = -Infinity
  function pass(signal) {
    if (Date.now() - passedAt < SAME_SIGNAL_MS) return
    passedAt = Date.now()
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A child in this terminal has already received Ctrl-C.
      if (session || signal !== 'SIGINT' || !process.stdin.isTTY) pass(signal)
    })
  }
  // npm passes a signal to the shell of a script, and the shell ends without passing it on. The
  // only sign is another parent.
  const parent = process.ppid
  const runByNpm = process.env.npm_lifecycle_event !== undefined
  if (runByNpm)
    setInterval(() => process.ppid === parent || pass('SIGTERM'), ORPHAN_POLL_MS).unref()
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
