import { setImmediate } from 'node:timers/promises'
import { settlesWithin } from '@chatbox/core'
import type { Logger } from '@chatbox/kit'

/** Tracks running work so that its dependencies are not closed before it ends. */
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
   * Runs `task` in the next turn of the event loop, after the acknowledgement has been written.
   * Errors are only logged because no caller is left to get them.
   */
  runAfterAnswer(task: () => void): void {
    this.add(
      setImmediate()
        .then(task)
        .catch((error: unknown) => {
          this.#logger.error({ err: error }, 'task after an answer failed')
        }),
    )
  }

  /** Resolves when all work has ended, or after `maxWaitMs`. */
  async settle(maxWaitMs: number): Promise<void> {
    await settlesWithin(maxWaitMs, this.#settleAll())
  }

  /** Loops because work may add more work. */
  async #settleAll(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
