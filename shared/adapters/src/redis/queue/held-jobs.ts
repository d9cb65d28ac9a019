import { FairLine } from '@chatbox/core'
import { SlotShares } from '../../common/slot-shares.ts'
import type { Held } from './held-notes.ts'

/**
 * How many jobs a worker holds at most: as many as it has places, but at least this many. While more
 * jobs of one lane wait, another lane's job is found only when a place of the first is free again.
 * More would be kept from a worker that comes new.
 */
export const LEAST_HELD = 100

/** What waits for a place. */
interface Waiting {
  lane: string
  /** The time at which it was first enqueued, in ms. */
  since: number
}

interface HeldJob extends Waiting {
  begin: () => void
}

/**
 * The places of one worker. BullMQ gives away the next job without a choice. If its lane has enough
 * places here, the worker holds the job until it may take one, and fetches one more job in the
 * meantime, so that another lane's job finds the place that is kept free.
 */
export class HeldJobs {
  readonly #shares: SlotShares
  readonly #held = new FairLine<HeldJob>()
  readonly #most: number
  readonly #onHeld: (count: number) => void

  /** `onHeld` is told how many more jobs than places the worker may fetch. */
  constructor(slots: number, onHeld: (count: number) => void) {
    this.#shares = new SlotShares(slots)
    this.#most = Math.max(slots, LEAST_HELD)
    this.#onHeld = onHeld
  }

  /** What is held now. */
  get held(): Held {
    const jobs = this.#held.items
    const lanes: Held['lanes'] = {}
    for (const { lane } of jobs) lanes[lane] = (lanes[lane] ?? 0) + 1
    return { count: jobs.length, oldest: Math.min(...jobs.map(({ since }) => since)), lanes }
  }

  /**
   * Runs `work` when the lane may take a place. Rejects if `signal` aborts before. Holds the job
   * before it returns, because BullMQ decides right afterwards whether to fetch another.
   */
  async run(job: Waiting, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { lane } = job
    if (!this.#shares.mayTake(lane)) await this.#hold(job, signal)
    else this.#shares.take(lane)
    try {
      await work()
    } finally {
      this.#shares.release(lane)
      this.#beginNext()
    }
  }

  async #hold(waiting: Waiting, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const turn = Promise.withResolvers<undefined>()
    const job = { ...waiting, begin: () => turn.resolve(undefined) }
    const onAbort = () => {
      this.#held.remove(job)
      this.#tell()
      turn.reject(new Error('the job was aborted', { cause: signal.reason }))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#held.add(job.lane, job)
    this.#tell()
    try {
      await turn.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #beginNext(): void {
    for (;;) {
      const job = this.#held.take((lane) => this.#shares.mayTake(lane))
      if (!job) return
      this.#tell()
      this.#shares.take(job.lane)
      job.begin()
    }
  }

  #tell(): void {
    this.#onHeld(Math.min(this.#held.size, this.#most))
  }
}
