import type { StorePorts } from '@chatbox/adapters'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Viewer } from '../clients/viewer.ts'
import { readAnew, readShown, waitUntilSettled, type FinalReadOptions } from './final-reads.ts'
import type { FinalRead, Recorder, RunRecord } from '../history.ts'
import type { Load } from '../profiles.ts'
import type { Random } from '../random.ts'
import {
  NO_COUNTS,
  SessionDriver,
  type DrivenSession,
  type DriverCounts,
} from './session-driver.ts'
import type { SystemUnderTest } from '../system/system-under-test.ts'
import { openSession, viewersOf } from './workload.ts'

export interface PoolOptions {
  system: SystemUnderTest
  profile: Load
  recorder: Recorder
  random: Random
  report: (line: string) => void
  keepRead: (read: FinalRead) => void
}

/** How many sessions to open at once. */
const BATCH = 8
/** How many sessions to read at once at the end. Each may wait for the others to settle. */
const LAST_BATCH = 24
const SETTLE_SENDS_MS = 45_000

interface Driven {
  session: DrivenSession
  driver: SessionDriver
}

/**
 * All sessions of a run. A profile can let each session retire after a number of messages: it
 * settles and every reader reads it while the others continue, and a new one replaces it.
 */
export class SessionPool {
  readonly #options: PoolOptions
  readonly #stopping = new AbortController()
  readonly #live = new Set<Driven>()
  /** The counts of finished sessions. */
  #past: DriverCounts = NO_COUNTS
  readonly #slots: Promise<void>[] = []
  readonly #retiring = new Set<Promise<void>>()
  readonly #notes: string[] = []
  #opened = 0
  #viewers = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Opens the first sessions, and drives them when all are open. */
  async start(): Promise<void> {
    const { profile } = this.#options
    const kinds = [
      ...Array.from({ length: profile.ask.sessions }, () => 'ask' as const),
      ...Array.from({ length: profile.talk.sessions }, () => 'talk' as const),
    ]
    const opened: Driven[] = []
    while (kinds.length > 0) {
      opened.push(...(await Promise.all(kinds.splice(0, BATCH).map((kind) => this.#open(kind)))))
    }
    for (const driven of opened) this.#slots.push(this.#runSlot(driven))
  }

  live(): DrivenSession[] {
    return [...this.#live].map(({ session }) => session)
  }

  viewers(): Viewer[] {
    return this.live().flatMap(viewersOf)
  }

  counts(): DriverCounts {
    return [...this.#live].map(({ driver }) => driver.counts).reduce(addCounts, this.#past)
  }

  underway(): number {
    return [...this.#live].reduce((sum, { driver }) => sum + driver.underway(), 0)
  }

  size(): Pick<RunRecord['processes'], 'viewers' | 'sessions'> {
    return { sessions: this.#opened, viewers: this.#viewers }
  }

  /**
   * Starts nothing new, waits until all settles, and reads every session from every side. Returns
   * the notes.
   */
  async finish(): Promise<string[]> {
    this.#stopping.abort()
    await Promise.all(this.#slots)
    await Promise.all([...this.#retiring])
    const left = [...this.#live]
    await settleSends(left.map(({ driver }) => driver))
    while (left.length > 0) {
      await Promise.all(left.splice(0, LAST_BATCH).map((driven) => this.#conclude(driven)))
    }
    return this.#notes
  }

  close(): void {
    this.#stopping.abort()
    for (const viewer of this.viewers()) viewer.close()
  }

  async #open(kind: DrivenSession['kind']): Promise<Driven> {
    const { system, profile, random } = this.#options
    const index = this.#opened
    this.#opened += 1
    const session = await this.#withStore((store) =>
      openSession({ ...this.#options, ...system, store }, index, kind),
    )
    const { everyMs } = profile[kind]
    const driver = new SessionDriver(session, {
      ...profile,
      everyMs,
      random: random.fork(session.name),
    })
    const driven = { session, driver }
    this.#viewers += viewersOf(session).length
    this.#live.add(driven)
    return driven
  }

  async #runSlot(first: Driven): Promise<void> {
    const { signal } = this.#stopping
    let current = first
    for (;;) {
      await current.driver.run(signal)
      if (signal.aborted) return
      const retiring = this.#retire(current)
      this.#retiring.add(retiring)
      void retiring.finally(() => this.#retiring.delete(retiring))
      current = await this.#open(current.session.kind)
    }
  }

  async #retire(driven: Driven): Promise<void> {
    await settleSends([driven.driver])
    await this.#conclude(driven)
  }

  /** Waits until the session settles, reads it from every side and closes it. */
  async #conclude(driven: Driven): Promise<void> {
    const { system, profile, keepRead } = this.#options
    const { session } = driven
    await this.#withStore(async (store) => {
      const { gatewayPorts } = system
      const timeoutMs = profile.settleTimeoutMs
      const final: FinalReadOptions = { session, store, gatewayPorts, timeoutMs }
      for (const text of await waitUntilSettled(final)) this.#note(text)
      // Read at once: a viewer that continues may lose its connection to an unrelated fault.
      const shown = readShown(session)
      for (const viewer of viewersOf(session)) viewer.close()
      for (const read of [...shown, ...(await readAnew(final))]) keepRead(read)
    })
    this.#live.delete(driven)
    this.#past = addCounts(this.#past, driven.driver.counts)
  }

  #note(text: string): void {
    this.#notes.push(text)
    this.#options.report(text)
  }

  /** Open only while in use, because a fault may need the disk for itself. */
  async #withStore<T>(use: (store: StorePorts) => Promise<T>): Promise<T> {
    const opened = await this.#options.system.openStore()
    try {
      return await use(opened.store)
    } finally {
      await opened.close()
    }
  }
}

/** Waits until every message is acknowledged, up to a limit. */
async function settleSends(drivers: readonly SessionDriver[]): Promise<void> {
  const settled = Promise.all(drivers.map((driver) => driver.settle()))
  await Promise.race([settled, sleep(SETTLE_SENDS_MS, undefined, { ref: false })])
  for (const driver of drivers) driver.giveUp()
  await settled
}

function addCounts(a: DriverCounts, b: DriverCounts): DriverCounts {
  const sums = { ...a }
  for (const name of Object.keys(sums) as (keyof DriverCounts)[]) sums[name] += b[name]
  return sums
}
