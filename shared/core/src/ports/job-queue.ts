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
   * Of the jobs of one key (`JOB_KEYS` says what it is) at most one waits and at most one runs. A job is
   * dropped while another of its key waits, or rests between two tries. While another runs, also from
   * within its handler, it is kept until that one has ended; of several, the last. A run therefore
   * always begins after the call. Rejects with `UNAVAILABLE` within 1 s when the back end is away.
   */
  enqueue<N extends JobName>(name: N, payload: JobPayload<N>): Promise<void>
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
