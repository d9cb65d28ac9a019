import { backoffMs, toAppError, type Backoff } from '@chatbox/core'
import { setTimeout as sleep } from 'node:timers/promises'

interface Waiting {
  /** Ends the wait: `untilAvailable` rejects with its reason. */
  signal: AbortSignal
  /** Told why each try failed that is made again. */
  report(error: unknown): void
  /** Asked after a try that failed: whether it was the last one. */
  isOver?(): boolean
}

const PAUSE: Backoff = { baseMs: 250, maxMs: 2000 }

/** Tries again while the store is away; what waiting does not mend is thrown at once. */
export async function untilAvailable<T>(work: () => Promise<T>, waiting: Waiting): Promise<T> {
  const { signal } = waiting
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (toAppError(error).code !== 'UNAVAILABLE' || waiting.isOver?.()) throw error
      waiting.report(error)
      await sleep(backoffMs(attempt, PAUSE, Math.random), undefined, { signal })
    }
  }
}
