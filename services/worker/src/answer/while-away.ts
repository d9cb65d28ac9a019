import { backoffMs, toAppError, type Backoff, type Clock } from '@chatbox/core'
import { wait } from './wait.ts'

interface AwayDeps {
  clock: Pick<Clock, 'random'>
  timing: { storeBackoff: Backoff }
}

/**
 * Tries a write again for as long as the store is away: a finished text is worth more than a quick
 * failure. Rejects as the last try did once `giveUp` aborts.
 */
export async function whileAway<T>(
  deps: AwayDeps,
  giveUp: AbortSignal,
  write: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await write()
    } catch (thrown) {
      if (toAppError(thrown).code !== 'UNAVAILABLE' || giveUp.aborted) throw thrown
      const pauseMs = backoffMs(tries, deps.timing.storeBackoff, () => deps.clock.random())
      await wait(pauseMs, giveUp)
    }
  }
}
