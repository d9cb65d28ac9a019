import { globSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { RecordedModels } from '../system/recorded-models.ts'
import type { StandaloneUnderTest } from '../system/standalone-under-test.ts'
import type { Supervised } from '../system/supervised.ts'
import type { Nemesis, Strike } from './run-nemeses.ts'

const BACK_TIMEOUT_MS = 40_000
const POLL_MS = 50
const PAUSE_MS = { low: 1000, high: 20_000 }
const BLOCK_MS = 5000
const STREAMS_TIMEOUT_MS = 5000
const MIN_STREAMS = 2
const BUSY_TIMEOUT_MS = 20_000
const CLOCK_SHIFT_MS = 30_000
const CLOCK_HOLD_MS = { low: 12_000, high: 25_000 }
/** A process starts in about this time. The second blow comes at any moment of it. */
const BOOT_MS = 2500
const DISK_HOLD_MS = { low: 1500, high: 8000 }
const ENDED_TIMEOUT_MS = 5000
const PRELOAD = new URL('../preload/', import.meta.url)

/** Passed to every process under test, because it lets a signal block the event loop. */
export const BLOCK_OPTION = `--import=${new URL('block-on-signal.ts', PRELOAD).href}`

/** The faults of one role and its processes. */
export function createProcessNemeses(role: string, group: readonly Supervised[]): Nemesis[] {
  return [
    { kind: `${role}-kill`, plan: (random) => end(random.pick(group), 'SIGKILL') },
    { kind: `${role}-term`, plan: (random) => end(random.pick(group), 'SIGTERM') },
    {
      kind: `${role}-pause`,
      plan: (random) => pause(random.pick(group), random.between(PAUSE_MS.low, PAUSE_MS.high)),
    },
    {
      kind: `${role}-block`,
      plan(random) {
        const process = random.pick(group)
        return { ...at(process), holdMs: BLOCK_MS, begin: async () => process.signal('SIGUSR2') }
      },
    },
  ]
}

/**
 * Pauses a worker during replies for longer than a lease, so that others own them when it returns.
 * Picks the worker that writes the most.
 */
export function createZombieNemesis(
  group: readonly Supervised[],
  models: Pick<RecordedModels, 'streaming' | 'ports'>,
  [leastMs, mostMs]: readonly [number, number],
): Nemesis {
  const isBusy = (worker: Supervised): boolean =>
    models.streaming(models.ports[group.indexOf(worker)]) >= MIN_STREAMS
  return {
    kind: 'worker-zombie',
    plan(random) {
      const worker = random.shuffle(group).find(isBusy) ?? random.pick(group)
      const strike = pause(worker, random.between(leastMs, mostMs))
      return {
        ...strike,
        async begin() {
          await waitFor(() => isBusy(worker), STREAMS_TIMEOUT_MS)
          await strike.begin()
        },
      }
    },
  }
}

/** Kills all writing workers as soon as one writes, so that one question loses many workers. */
export function createBusyKillNemesis(
  group: readonly Supervised[],
  models: Pick<RecordedModels, 'streaming' | 'ports'>,
): Nemesis {
  const findBusy = (): Supervised[] =>
    group.filter((_, index) => models.streaming(models.ports[index]) > 0)
  return {
    kind: 'worker-kill-busy',
    special: true,
    plan: () => ({
      target: 'workers that write',
      holds: group.map(({ name }) => name),
      holdMs: 0,
      async begin() {
        await waitFor(() => findBusy().length > 0, BUSY_TIMEOUT_MS)
        for (const worker of findBusy()) kill(worker)
      },
    }),
  }
}

/** Restarts it with a wrong clock, and at the end with the right one. */
export function createClockNemesis(group: readonly Supervised[]): Nemesis {
  return {
    kind: 'worker-clock',
    plan(random) {
      const process = random.pick(group)
      const shiftMs = random.pick([-CLOCK_SHIFT_MS, CLOCK_SHIFT_MS])
      return {
        ...at(process),
        target: `${process.name} ${shiftMs / 1000} s`,
        holdMs: random.between(CLOCK_HOLD_MS.low, CLOCK_HOLD_MS.high),
        async begin() {
          process.setEnv(toClockEnv(shiftMs))
          kill(process)
        },
        async end() {
          const before = process.starts
          process.setEnv({})
          kill(process)
          const back = await waitUntilBack(process, before)
          return `${FAKETIME ? 'libfaketime' : 'a shifted Date'}; ${back}`
        },
      }
    },
  }
}

const [FAKETIME] = globSync('/usr/lib/*/faketime/libfaketime.so.1')

function toClockEnv(shiftMs: number): Record<string, string> {
  if (FAKETIME) {
    return {
      LD_PRELOAD: FAKETIME,
      FAKETIME: `${shiftMs > 0 ? '+' : '-'}${Math.abs(shiftMs) / 1000}s`,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }
  const preload = `--import=${new URL('shift-clock.ts', PRELOAD).href}`
  return { NODE_OPTIONS: `${BLOCK_OPTION} ${preload}`, CLOCK_SHIFT_MS: String(shiftMs) }
}

/**
 * The faults of the single process on SQLite and of its folder, in addition to those of any
 * process.
 */
export function createStandaloneNemeses(system: StandaloneUnderTest): Nemesis[] {
  const { disk, process } = system
  const skipped = disk.noLimit === undefined ? {} : { skipped: disk.noLimit }
  const toHoldMs = (random: Random) => random.between(DISK_HOLD_MS.low, DISK_HOLD_MS.high)
  return [
    { kind: 'standalone-kill-again', plan: (random) => killAgain(process, random) },
    {
      kind: 'disk-full',
      ...skipped,
      plan: (random) => ({
        target: 'disk',
        holds: ['disk'],
        holdMs: toHoldMs(random),
        begin: () => disk.fill(),
        end: () => disk.drain(),
      }),
    },
    {
      kind: 'folder-read-only',
      ...skipped,
      plan: (random) => ({ ...writeProtect(system), holdMs: toHoldMs(random) }),
    },
  ]
}

/** Kills it, and kills it again during the start, while it reads the journal. */
function killAgain(process: Supervised, random: Random): Strike {
  let before = 0
  return {
    ...at(process),
    async begin() {
      const first = process.starts
      kill(process)
      while (process.starts === first) await sleep(POLL_MS)
      await sleep(random.between(0, BOOT_MS))
      before = process.starts
      kill(process)
    },
    end: () => waitUntilBack(process, before),
  }
}

/** A file system with open files stays writable, so the process notices at its start. */
function writeProtect({ process, disk }: StandaloneUnderTest): Strike {
  return {
    ...at(process),
    target: 'folder',
    holds: ['disk', process.name],
    async begin() {
      process.mayFail = true
      const ended = process.ended()
      kill(process)
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

function end(process: Supervised, signal: 'SIGKILL' | 'SIGTERM'): Strike {
  let before = 0
  return {
    ...at(process),
    async begin() {
      before = process.starts
      process.signal(signal, signal)
    },
    end: () => waitUntilBack(process, before),
  }
}

/**
 * The process is not stopped in the 20 s of a pause either, because this tests only its own kind of
 * death.
 */
function pause(process: Supervised, holdMs: number): Strike {
  return {
    ...at(process),
    holdMs,
    begin: async () => process.signal('SIGSTOP'),
    end: async () => process.signal('SIGCONT'),
  }
}

function at({ name }: Supervised): Pick<Strike, 'target' | 'holds' | 'holdMs'> {
  return { target: name, holds: [name], holdMs: 0 }
}

function kill(process: Supervised): void {
  process.signal('SIGKILL', 'SIGKILL')
}

async function waitFor(holds: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!holds() && performance.now() < deadline) await sleep(POLL_MS)
}

/** Waits until it has restarted and is ready. It cannot be ready while its back ends are down. */
async function waitUntilBack(process: Supervised, startsBefore: number): Promise<string> {
  const since = performance.now()
  while (performance.now() - since < BACK_TIMEOUT_MS) {
    if (process.starts > startsBefore && (await process.isReady())) {
      return `ready after ${Math.round(performance.now() - since)} ms`
    }
    await sleep(POLL_MS)
  }
  return `not ready after ${BACK_TIMEOUT_MS} ms`
}
