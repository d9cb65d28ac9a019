const BASE_MS = 500
const MAX_MS = 10_000

/** A single delayed call. Planning another call replaces it. */
export class Timer {
  readonly #random: () => number
  #handle: ReturnType<typeof setTimeout> | undefined
  #failures = 0

  /** `random` returns numbers in [0, 1). */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  get isRunning(): boolean {
    return this.#handle !== undefined
  }

  start(delayMs: number, call: () => void): void {
    this.stop()
    this.#handle = setTimeout(() => {
      this.#handle = undefined
      call()
    }, delayMs)
  }

  /**
   * Plans another try and returns the milliseconds until then: 500, doubled with each failure up to
   * 10 s. Up to half is subtracted at random, so that clients that failed together do not return
   * together.
   */
  retry(call: () => void, atLeastMs = 0): number {
    const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(this.#failures, 10))
    const delayMs = Math.max(atLeastMs, Math.round(ceiling * (1 - this.#random() * 0.5)))
    this.#failures += 1
    this.start(delayMs, call)
    return delayMs
  }

  /** Resets the delay after a success. */
  forgetFailures(): void {
    this.#failures = 0
  }

  stop(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }
}
