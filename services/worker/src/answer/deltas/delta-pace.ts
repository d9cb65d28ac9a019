export interface DeltaPaceOptions {
  /** The interval of a busy process, in ms. */
  longestMs: number
  /** Returns the share of the time since its last call in which the process was busy, 0 to 1. */
  utilisation: () => number
  /** A monotonic clock in ms. */
  now: () => number
}

/** Each token of a usual model is then a frame of its own. */
const SHORTEST_MS = 15
/**
 * How many frames all replies of a process may send in a second. Ten replies at the longest
 * interval send as many, so short intervals never cost more than a moderate load does, here and in
 * the processes that a frame passes through.
 */
const FRAMES_PER_SECOND = 100
/** Up to this utilisation the process counts as idle... */
const IDLE = 0.25
/** ...and from this one as busy. */
const BUSY = 0.7
const SAMPLE_EVERY_MS = 100
/** How long it takes until a change of the load counts in full. */
const SMOOTH_OVER_MS = 500
/** A smaller change of the interval is left out, so that it does not swing with every sample. */
const STEP_MS = 8

/**
 * Decides how far apart the delta frames of this process are: 15 ms while it is idle, so that text
 * flows, and up to `longestMs` while it is busy, because every frame costs three processes work. In
 * between the interval follows the utilisation of the event loop and the number of replies. One
 * pace serves all replies of a process. It samples only when it is asked, so it needs no timer.
 */
export class DeltaPace {
  readonly #options: DeltaPaceOptions
  readonly #shortestMs: number
  #sampledAt: number
  #load = 0
  #byLoadMs: number
  #replies = 0

  constructor(options: DeltaPaceOptions) {
    this.#options = options
    this.#shortestMs = Math.min(SHORTEST_MS, options.longestMs)
    this.#byLoadMs = this.#shortestMs
    this.#sampledAt = options.now()
  }

  /** Counts a reply that sends frames. Returns a function that ends this. */
  join(): () => void {
    this.#replies++
    return () => {
      this.#replies--
    }
  }

  /** Returns the interval of now, in ms. */
  intervalMs(): number {
    this.#sample()
    const byRepliesMs = (this.#replies * 1000) / FRAMES_PER_SECOND
    return Math.min(Math.max(this.#byLoadMs, byRepliesMs), this.#options.longestMs)
  }

  #sample(): void {
    const { now, utilisation } = this.#options
    const sinceMs = now() - this.#sampledAt
    if (sinceMs < SAMPLE_EVERY_MS) return
    this.#sampledAt += sinceMs
    this.#load += (utilisation() - this.#load) * Math.min(1, sinceMs / SMOOTH_OVER_MS)
    const targetMs = this.#toIntervalMs(this.#load)
    const isEnd = targetMs === this.#shortestMs || targetMs === this.#options.longestMs
    if (isEnd || Math.abs(targetMs - this.#byLoadMs) >= STEP_MS) this.#byLoadMs = targetMs
  }

  #toIntervalMs(load: number): number {
    const share = Math.min(Math.max((load - IDLE) / (BUSY - IDLE), 0), 1)
    return this.#shortestMs + share * (this.#options.longestMs - this.#shortestMs)
  }
}

/** Creates the pace of this process, which follows its event loop. */
export function createDeltaPace(longestMs: number): DeltaPace {
  let last = performance.eventLoopUtilization()
  return new DeltaPace({
    longestMs,
    now: () => performance.now(),
    utilisation: () => {
      const current = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(current, last)
      last = current
      return utilization
    },
  })
}
