import type { Instruments } from './instruments.ts'

/** What a worker sees of a queue that all workers share: each shows the same numbers. */
export interface QueueMetrics {
  queueSeen(queue: string, jobs: Record<string, number>, oldestAgeSeconds: number): void
  /**
   * Takes the queue's numbers away: an old number that stands still would look like a quiet queue,
   * and an alert could not tell it from one.
   */
  queueUnseen(): void
}

export function createQueueMetrics({ gauge }: Instruments): QueueMetrics {
  const jobs = gauge(
    'chatbox_queue_jobs',
    'Jobs in a queue by state, at most one waiting for each session; left out while the queue does not answer.',
    'queue',
    'state',
  )
  const age = gauge(
    'chatbox_queue_oldest_job_age_seconds',
    'Time since the waiting job whose turn is next was first enqueued, earlier tries included; 0 where none waits, left out while the queue does not answer.',
    'queue',
  )
  return {
    queueSeen(queue, counts, oldestAgeSeconds) {
      for (const [state, count] of Object.entries(counts)) jobs.set({ queue, state }, count)
      age.set({ queue }, oldestAgeSeconds)
    },
    queueUnseen() {
      jobs.clear()
      age.clear()
    },
  }
}
