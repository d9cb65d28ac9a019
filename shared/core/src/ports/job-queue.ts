import type { JobName, JobPayload } from '@chatbox/contract'

export type JobHandlers = {
  [N in JobName]: (payload: JobPayload<N>, signal: AbortSignal) => Promise<void>
}

export interface JobCounts {
  waiting: number
  active: number
  delayed: number
  failed: number
}

/**
 * A hint that work is to be done: the store knows what is open, so a job may be lost, doubled or
 * late without harm. At least once; a handler that throws is tried again with back-off unless the
 * error says that it is not retryable.
 */
export interface JobQueue {
  /**
   * A second job of the same `id` is dropped while the first one waits or runs. Rejects with
   * `UNAVAILABLE` within 1 s when the back end is away. `id`: letters, digits, `-` and `_`.
   */
  enqueue<N extends JobName>(name: N, payload: JobPayload<N>, id: string): Promise<void>
  /**
   * Begins to run jobs, at most `concurrency` at once. `signal` aborts when the queue closes or when
   * this process may no longer hold the job. A payload that its schema refuses is dropped, counted
   * and logged by ids; one of a later version is left for a newer worker.
   */
  consume(handlers: JobHandlers, options: { concurrency: number }): Promise<void>
  counts(): Promise<JobCounts>
  ping(): Promise<void>
  /** Takes no more jobs, aborts the running ones, waits for them up to `graceMs`. Idempotent. */
  close(graceMs?: number): Promise<void>
}
