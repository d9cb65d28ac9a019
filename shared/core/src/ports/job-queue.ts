import type { JobName, JobPayload } from '@chatbox/contract'

/** A job whose handler is missing is left for another worker. */
export type JobHandlers = {
  [N in JobName]?: JobHandler<N>
}

export type JobHandler<N extends JobName> = (
  payload: JobPayload<N>,
  signal: AbortSignal,
) => Promise<void>

export interface JobCounts {
  waiting: number
  active: number
  delayed: number
  failed: number
}

/**
 * A queue of hints that there is work. The store knows which work is open, so a job may be lost,
 * repeated or late without harm. Delivery is at least once. If a handler throws, the job is retried
 * with back-off unless the error is not retryable.
 *
 * Lanes take turns: a job waits for at most one job of each other lane at a time, however many that
 * lane has waiting. Within a lane the order is that of the calls. A job without a lane is a lane of
 * its own. While a process runs jobs, one lane never takes the last fifth of its places, so that
 * another lane's job begins at once.
 */
export interface JobQueue {
  /**
   * Adds a job. For each key (see `JOB_KEYS`) at most one job waits and at most one runs. A job is
   * dropped if another one with its key is waiting or is between two tries. If another one is
   * running, the last job added, even by its handler, runs after it. A run therefore always begins
   * after this call. Rejects with `UNAVAILABLE` within 1 s if the back end is down.
   */
  enqueue<N extends JobName>(name: N, payload: JobPayload<N>): Promise<void>
  /**
   * Starts to run jobs, at most `concurrency` at once. Call it once per queue. `signal` aborts when
   * the queue closes or when this process may have lost the job. If the handler then rejects, the
   * next worker gets the job at once; if it resolves, the job is done. A payload that does not
   * match its schema is dropped, counted and logged by its ids. A payload of a later version, or a
   * job name that this process does not know, is left for a newer worker for up to an hour.
   */
  consume(handlers: JobHandlers, options: { concurrency: number }): Promise<void>
  /**
   * A job that a process has taken and that waits there for a place counts as waiting, within a
   * second. Rejects with `UNAVAILABLE` if the back end is down.
   */
  counts(): Promise<JobCounts>
  /**
   * Returns how long ago the next waiting job was first enqueued, in ms; 0 if none waits. Only as
   * accurate as the clocks of the two machines. Rejects with `UNAVAILABLE` if the back end is down.
   */
  oldestWaitingMs(): Promise<number>
  /** Whether an admin has paused the queue. Rejects with `UNAVAILABLE` if the back end is down. */
  isPaused(): Promise<boolean>
  /**
   * Estimates how long a new job of this lane would wait, in ms, from what this process has seen of
   * the queue; 0 if it has seen nothing. Makes no call.
   */
  expectedWaitMs(lane: string): number
  ping(): Promise<void>
  /**
   * Takes no more jobs, aborts the running ones, waits up to `graceMs` for them, and returns the
   * rest to the queue. Takes at most 3 s more than `graceMs`, even without the back end.
   * Idempotent.
   */
  close(graceMs?: number): Promise<void>
}
