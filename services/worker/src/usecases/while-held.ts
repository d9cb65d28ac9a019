import { backoffMs, toAppError, type Backoff, type Clock } from '@chatbox/core'
import { wait } from './wait.ts'

export interface HeldDeps {
  clock: Pick<Clock, 'random'>
  timing: { storeBackoff: Backoff }
}

/**
 * Tries a write again while the store is away and the claim that it needs may still hold: a finished
 * text is worth more than a quick failure. Rejects as the last try did once `lost` aborts.
 */
export async function whileHeld<T>(
  deps: HeldDeps,
  lost: AbortSignal,
  write: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await write()
    } catch (thrown) {
      if (toAppError(thrown).code !== 'UNAVAILABLE' || lost.aborted) throw thrown
      await wait(
        backoffMs(tries, deps.timing.storeBackoff, () => deps.clock.random()),
        lost,
      )
    }
  }
}
