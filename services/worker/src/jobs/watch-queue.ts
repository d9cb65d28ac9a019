import type { JobQueue } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'

/** There is one queue: its label is there for the day when there are more. */
const QUEUE = 'jobs'

export interface WatchDeps {
  queue: Pick<JobQueue, 'counts' | 'oldestWaitingMs'>
  metrics: Pick<Metrics, 'queueSeen' | 'queueUnseen'>
}

/**
 * Shows how much waits in the queue and for how long; shows nothing and rejects where the queue does
 * not answer. Takes two calls whose cost does not grow with the queue, each bounded by the queue
 * itself.
 */
export async function watchQueue({ queue, metrics }: WatchDeps): Promise<void> {
  try {
    const [counts, oldestMs] = await Promise.all([queue.counts(), queue.oldestWaitingMs()])
    metrics.queueSeen(QUEUE, { ...counts }, oldestMs / 1000)
  } catch (error) {
    metrics.queueUnseen()
    throw error
  }
}
