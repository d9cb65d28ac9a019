/** Work that has begun and must not be cut off by the closing of what it works with. */
export class PendingWork {
  readonly #running = new Set<Promise<unknown>>()

  /** `work` must not reject. */
  add(work: Promise<void>): void {
    this.#running.add(work)
    void work.finally(() => this.#running.delete(work))
  }

  /** Resolves once nothing runs any more, or after `maxWaitMs`. */
  async settle(maxWaitMs: number): Promise<void> {
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(), maxWaitMs)
    const expired = new Promise<void>((resolve) => {
      timeout.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    while (this.#running.size > 0 && !timeout.signal.aborted) {
      await Promise.race([Promise.all(this.#running), expired])
    }
    clearTimeout(timer)
  }
}
