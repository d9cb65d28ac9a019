#!/usr/bin/env node
// Runs a command of this repository on a machine that has only Node 20 and npm:
//
//   node scripts/with-runtime.js [--production] [--session] COMMAND [ARGUMENT...]
//
// It first installs the packages that are missing (with --production, only those that a running
// system needs) and a newer Node where this one is too old, both inside this folder. It has no
// dependencies and keeps to what Node 20 understands, because nothing is there before it ran.
//
// --session is for servers: they then get each request to stop once, from here. A terminal would
// send Ctrl-C to every process in it, npm would send it again, and a second one means "at once".
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { findRuntime, installRuntime } from './runtime/node.js'
import { installPackages, ROOT, SetUpError } from './runtime/npm.js'

/** A terminal, npm and `timeout` may each deliver the same request to stop within moments. */
const SAME_SIGNAL_MS = 1000
const ORPHAN_POLL_MS = 500

async function main(argv) {
  const flags = argv.slice(
    0,
    argv.findIndex((word) => !word.startsWith('--')),
  )
  const command = argv.slice(flags.length)
  if (command.length === 0) throw new SetUpError('Usage: with-runtime.js [FLAG...] COMMAND ...')

  // Side by side: each spends most of its time waiting for the network.
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
    // The channel closes when this process is gone, however that came about: see end-with-parent.
    stdio: session ? ['ignore', 'inherit', 'inherit', 'ipc'] : 'inherit',
    detached: session && process.platform !== 'win32',
    // A package's command is a `.cmd` file on Windows, which only a shell can start.
    shell: process.platform === 'win32' && command !== 'node',
    // npm hands its own Node to the scripts that it runs: both names must lead to the right one.
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
      // A child in this terminal has Ctrl-C already.
      if (session || signal !== 'SIGINT' || !process.stdin.isTTY) pass(signal)
    })
  }
  // npm passes a signal to the shell that it runs a script in, and the shell ends without passing
  // it on: all that is left to see is another parent.
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
