import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { StandaloneUnderTest } from '../system/standalone-under-test.ts'
import { waitUntilBack } from './process-nemeses.ts'
import type { Nemesis, Strike } from './run-nemeses.ts'

/** A process takes about this long to start: the second blow comes at any moment of it. */
const BOOT_MS = 2500
const HOLD_MS = { low: 1500, high: 8000 }
const ENDED_TIMEOUT_MS = 5000

/** What can become of the one process on SQLite and of its folder, besides what happens to any. */
export function createStandaloneNemeses(system: StandaloneUnderTest): Nemesis[] {
  const { disk } = system
  const skipped = disk.noLimit === undefined ? {} : { skipped: disk.noLimit }
  return [
    { kind: 'standalone-kill-again', plan: (random) => killAgain(system, random) },
    { kind: 'disk-full', ...skipped, plan: (random) => fillDisk(system, random) },
    { kind: 'folder-read-only', ...skipped, plan: (random) => writeProtect(system, random) },
  ]
}

/** Killed, and killed again while it starts, where the journal is being read. */
function killAgain({ process }: StandaloneUnderTest, random: Random): Strike {
  let before = 0
  return {
    target: process.name,
    holds: [process.name],
    holdMs: 0,
    async begin() {
      const first = process.starts
      process.signal('SIGKILL', 'SIGKILL')
      while (process.starts === first) await sleep(20)
      await sleep(random.between(0, BOOT_MS))
      before = process.starts
      process.signal('SIGKILL', 'SIGKILL')
    },
    end: () => waitUntilBack(process, before),
  }
}

function fillDisk({ disk }: StandaloneUnderTest, random: Random): Strike {
  return {
    target: 'disk',
    holds: ['disk'],
    holdMs: random.between(HOLD_MS.low, HOLD_MS.high),
    begin: () => disk.fill(),
    end: () => disk.drain(),
  }
}

/** A file system with files open for writing stays writable: the process finds it so at its start. */
function writeProtect({ process, disk }: StandaloneUnderTest, random: Random): Strike {
  return {
    target: 'folder',
    holds: ['disk', process.name],
    holdMs: random.between(HOLD_MS.low, HOLD_MS.high),
    async begin() {
      process.mayFail = true
      const ended = process.ended()
      process.signal('SIGKILL', 'SIGKILL')
      await Promise.race([ended, sleep(ENDED_TIMEOUT_MS, undefined, { ref: false })])
      await disk.setReadOnly(true)
    },
    async end() {
      const before = process.starts
      await disk.setReadOnly(false)
      const back = await waitUntilBack(process, before)
      process.mayFail = false
      return back
    },
  }
}
