import { setImmediate } from 'node:timers/promises'
import { settlesWithin } from '@chatbox/core'
import type { Logger } from '@chatbox/kit'

/** Work that has begun and must not be cut off by the closing of what it works with. */
export class PendingWork {
  readonly #running = new Set<Promise<void>>()
  readonly #logger: Pick<Logger, 'error'>

  constructor(logger: Pick<Logger, 'error'>) {
    this.#logger = logger
  }

  /** `work` must not reject. */
  add(work: Promise<void>): void {
    this.#running.add(work)
    void work.finally(() => this.#running.delete(work))
  }

  /**
   * Runs `task` in the next turn of the event loop, when the answer that it must not hold up has been
   * written. What it throws ends here: nobody is left to tell.
   */
  runAfterAnswer(task: () => void): void {
    this.add(
      setImmediate()
        .then(task)
        .catch((error: unknown) => {
          this.#logger.error({ err: error }, 'what follows from an answer failed')
        }),
    )
  }

  /** Resolves once nothing runs any more, or after `maxWaitMs`. */
  async settle(maxWaitMs: number): Promise<void> {
    await settlesWithin(maxWaitMs, this.#settleAll())
  }

  /** Work may add work. */
  async #settleAll(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
