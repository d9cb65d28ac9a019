import { setImmediate } from 'node:timers/promises'
import type { Logger } from '@chatbox/kit'
import type { PendingWork } from '../engine/pending-work.ts'

interface AfterAnswerDeps {
  work: Pick<PendingWork, 'add'>
  logger: Pick<Logger, 'error'>
}

/**
 * Runs `task` in the next turn of the event loop, when the answer that it must not hold up has been
 * written. A drain waits for it, and what it throws ends here: nobody is left to tell.
 */
export function runAfterAnswer({ work, logger }: AfterAnswerDeps, task: () => void): void {
  work.add(
    setImmediate()
      .then(task)
      .catch((error: unknown) => {
        logger.error({ err: error }, 'what follows from an answer failed')
      }),
  )
}
