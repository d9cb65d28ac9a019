import { FairLine } from '@chatbox/core'
import { SlotShares } from '../../common/slot-shares.ts'

/** How many jobs a worker holds at most. Their locks are renewed together, in one call. */
export const MAX_HELD = 200

interface HeldJob {
  lane: string
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
  readonly #onHeld: (count: number) => void

  /** `onHeld` is told how many more jobs than places the worker may fetch. */
  constructor(slots: number, onHeld: (count: number) => void) {
    this.#shares = new SlotShares(slots)
    this.#onHeld = onHeld
  }

  /**
   * Runs `work` when the lane may take a place. Rejects if `signal` aborts before. Holds the job
   * before it returns, because BullMQ decides right afterwards whether to fetch another.
   */
  async run(lane: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    if (!this.#shares.mayTake(lane)) await this.#hold(lane, signal)
    else this.#shares.take(lane)
    try {
      await work()
    } finally {
      this.#shares.release(lane)
      this.#beginNext()
    }
  }

  async #hold(lane: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const turn = Promise.withResolvers<undefined>()
    const job = { lane, begin: () => turn.resolve(undefined) }
    const onAbort = () => {
      this.#held.remove(job)
      this.#tell()
      turn.reject(new Error('the job was aborted', { cause: signal.reason }))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#held.add(lane, job)
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
    this.#onHeld(Math.min(this.#held.size, MAX_HELD))
  }
}
