import { existsSync, globSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordedModels } from '../system/recorded-models.ts'
import type { Random } from '../random.ts'
import type { Supervised } from '../system/supervised.ts'
import type { Nemesis, Strike } from './run-nemeses.ts'

const BACK_TIMEOUT_MS = 40_000
const POLL_MS = 50
const BLOCK_MS = 5000
const STREAMS_TIMEOUT_MS = 5000
const MIN_STREAMS = 2
const BUSY_TIMEOUT_MS = 20_000
const CLOCK_SHIFT_MS = 30_000
const PRELOAD = new URL('../preload/', import.meta.url)

/** Passed to every process under test: without it there is nobody to block its event loop. */
export const BLOCK_OPTION = `--import=${new URL('block-on-signal.ts', PRELOAD).href}`

/** For one role and the processes that have it. */
export function createProcessNemeses(role: string, group: readonly Supervised[]): Nemesis[] {
  return [
    { kind: `${role}-kill`, plan: (random) => end(random.pick(group), 'SIGKILL') },
    { kind: `${role}-term`, plan: (random) => end(random.pick(group), 'SIGTERM') },
    {
      kind: `${role}-pause`,
      plan: (random) => pause(random.pick(group), random.between(1000, 20_000)),
    },
    { kind: `${role}-block`, plan: (random) => block(random.pick(group)) },
  ]
}

/**
 * Paused in the middle of replies for longer than a lease: it comes back when others own them. It
 * hits whoever writes the most then.
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
          const deadline = performance.now() + STREAMS_TIMEOUT_MS
          while (!isBusy(worker) && performance.now() < deadline) await sleep(POLL_MS)
          await strike.begin()
        },
      }
    },
  }
}

/** All that write are killed as soon as one does, so that one question has many workers die on it. */
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
        const deadline = performance.now() + BUSY_TIMEOUT_MS
        while (findBusy().length === 0 && performance.now() < deadline) await sleep(POLL_MS)
        for (const worker of findBusy()) worker.signal('SIGKILL', 'SIGKILL')
      },
    }),
  }
}

export function createClockNemesis(group: readonly Supervised[]): Nemesis {
  return { kind: 'worker-clock', plan: (random) => shiftClock(random.pick(group), random) }
}

function end(process: Supervised, signal: 'SIGKILL' | 'SIGTERM'): Strike {
  let before = 0
  return {
    target: process.name,
    holds: [process.name],
    holdMs: 0,
    async begin() {
      before = process.starts
      process.signal(signal, signal)
    },
    end: () => waitUntilBack(process, before),
  }
}

/** Also in the 20 s of a pause the process is not ended: only its own kind of death is tested here. */
function pause(process: Supervised, holdMs: number): Strike {
  return {
    target: process.name,
    holds: [process.name],
    holdMs,
    begin: async () => process.signal('SIGSTOP'),
    end: async () => process.signal('SIGCONT'),
  }
}

function block(process: Supervised): Strike {
  return {
    target: process.name,
    holds: [process.name],
    holdMs: BLOCK_MS,
    begin: async () => process.signal('SIGUSR2'),
  }
}

/** Started anew with a wrong clock, and in the end anew with the right one. */
function shiftClock(process: Supervised, random: Random): Strike {
  const shiftMs = random.pick([-CLOCK_SHIFT_MS, CLOCK_SHIFT_MS])
  return {
    target: `${process.name} ${shiftMs / 1000} s`,
    holds: [process.name],
    holdMs: random.between(12_000, 25_000),
    async begin() {
      process.setEnv(toClockEnv(shiftMs))
      process.signal('SIGKILL', 'SIGKILL')
    },
    async end() {
      const before = process.starts
      process.setEnv({})
      process.signal('SIGKILL', 'SIGKILL')
      const back = await waitUntilBack(process, before)
      return `${FAKETIME ? 'libfaketime' : 'a shifted Date'}; ${back}`
    },
  }
}

const FAKETIME = globSync('/usr/lib/*/faketime/libfaketime.so.1').find((file) => existsSync(file))

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

/** Until it has been started again and is ready. While what it needs is away, it cannot be. */
export async function waitUntilBack(process: Supervised, startsBefore: number): Promise<string> {
  const since = performance.now()
  while (performance.now() - since < BACK_TIMEOUT_MS) {
    if (process.starts > startsBefore && (await process.isReady())) {
      return `ready after ${Math.round(performance.now() - since)} ms`
    }
    await sleep(POLL_MS)
  }
  return `not ready after ${BACK_TIMEOUT_MS} ms`
}
