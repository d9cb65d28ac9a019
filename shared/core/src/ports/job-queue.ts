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
   * A second job of the same `id` is dropped while the first one waits, rests or runs; the id is
   * free again when that one is done or has failed for good. Rejects with `UNAVAILABLE` within 1 s
   * when the back end is away. `id`: up to 200 letters, digits, `-` and `_`.
   */
  enqueue<N extends JobName>(name: N, payload: JobPayload<N>, id: string): Promise<void>
  /**
   * Begins to run jobs, at most `concurrency` at once; once per queue. `signal` aborts when the queue
   * closes or when this process may no longer hold the job: a handler that then rejects gives its
   * job to the next worker at once, one that resolves has done it. A payload that its schema refuses
   * is dropped, counted and logged by ids; one of a later version, or a name that this process does
   * not know, is left for a newer worker for up to an hour.
   */
  consume(handlers: JobHandlers, options: { concurrency: number }): Promise<void>
  /** Rejects with `UNAVAILABLE` while the back end is away. */
  counts(): Promise<JobCounts>
  /**
   * How long ago the waiting job whose turn is next was first enqueued, in ms; 0 where none waits. As
   * exact as the clocks of two machines agree. Rejects with `UNAVAILABLE` while the back end is away.
   */
  oldestWaitingMs(): Promise<number>
  ping(): Promise<void>
  /**
   * Takes no more jobs, aborts the running ones, waits for them up to `graceMs` and gives away what
   * has not ended by then. Takes at most 3 s more than that, also without the back end. Idempotent.
   */
  close(graceMs?: number): Promise<void>
}
