import type { JobCounts } from '../job-queue.ts'

export type JobState = keyof JobCounts

/** How a queue is. */
export interface QueueFigures extends JobCounts {
  oldestWaitingMs: number
  /** Jobs that ended since this process last asked, by minute; undefined the first time. */
  endedPerMinute: number | undefined
  /** The latest failed jobs, at most `CLASSES_OF`, by the code of their error. */
  failedByClass: Record<string, number>
  paused: boolean
}

/** A job by its ids. Its payload has no words, and is not shown. */
export interface SeenJob {
  id: string
  name: string
  sessionId: string | undefined
  attempts: number
  enqueuedAt: Date
  /** When it failed for good, and the code of its error. */
  failed: { at: Date; class: string } | undefined
}

export interface JobFilter {
  state: JobState
  /** Of failed jobs only. */
  class?: string | undefined
  after?: string | undefined
  limit: number
}

/** One job, those of a class, or all that have failed. */
export interface RetryFilter {
  jobId?: string | undefined
  class?: string | undefined
  after?: string | undefined
}

/**
 * Looks into a queue, and does what an admin may do to it. Each call does a bounded amount of work and
 * rejects with `UNAVAILABLE` within 1 s if the back end is down; a cursor that is no cursor is
 * `INVALID_FORMAT`.
 */
export interface QueueInspector {
  readonly name: string
  figures(): Promise<QueueFigures>
  /**
   * Failed jobs come the latest first, others in the order of service. A page may be shorter than
   * `limit` before the end, because a call looks at no more than `LOOKED_AT` jobs. Jobs move
   * meanwhile, so one that waits may be in two pages or in none.
   */
  list(filter: JobFilter): Promise<{ jobs: SeenJob[]; next: string | undefined }>
  /**
   * Adds failed jobs anew, oldest first, at most `RETRIED_A_CALL`. They share one lane, so other jobs
   * wait for one of them at most. A session whose job waits already has no second one. `next` goes on.
   */
  retry(filter: RetryFilter): Promise<{ retried: number; next: string | undefined }>
  /** Jobs that run go on. Durable as far as the queue is. Idempotent. */
  setPaused(paused: boolean): Promise<void>
}

export const CLASSES_OF = 1000
export const LOOKED_AT = 500
export const RETRIED_A_CALL = 100
