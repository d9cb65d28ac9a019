import {
  CLASSES_OF,
  LOOKED_AT,
  RETRIED_A_CALL,
  type JobFilter,
  type JobQueue,
  type JobState,
  type QueueFigures,
  type QueueInspector,
  type RetryFilter,
  type SeenJob,
} from '@chatbox/core'
import { countClasses, fromCursor, Growth, toCursor, toOffset } from '../common/inspection.ts'
import type { FailedJob, FailedJobs } from './failed-jobs.ts'

/** What a queue lets its inspector see and do. */
export interface QueueInside {
  readonly failed: FailedJobs
  readonly ended: number
  paused: boolean
  look(state: Exclude<JobState, 'failed'>): SeenJob[]
  /** Adds a failed job anew. Throws `UNAVAILABLE` if the queue is full. */
  readd(job: FailedJob): void
}

type InspectedQueue = Pick<JobQueue, 'counts' | 'oldestWaitingMs'> & {
  readonly inside: QueueInside
}

export class MemoryQueueInspector implements QueueInspector {
  readonly name = 'jobs'
  readonly #queue: InspectedQueue
  readonly #inside: QueueInside
  readonly #growth = new Growth()

  constructor(queue: InspectedQueue) {
    this.#queue = queue
    this.#inside = queue.inside
  }

  async figures(): Promise<QueueFigures> {
    const { failed, ended, paused } = this.#inside
    return {
      ...(await this.#queue.counts()),
      oldestWaitingMs: await this.#queue.oldestWaitingMs(),
      endedPerMinute: this.#growth.perMinute(ended),
      failedByClass: countClasses(failed.from(undefined, 'latest').slice(0, CLASSES_OF)),
      paused,
    }
  }

  async list(filter: JobFilter): Promise<{ jobs: SeenJob[]; next: string | undefined }> {
    const { state, after, limit } = filter
    if (state === 'failed') return this.#listFailed(filter)
    const from = toOffset(after)
    const all = this.#inside.look(state)
    const next = from + limit
    return { jobs: all.slice(from, next), next: next < all.length ? String(next) : undefined }
  }

  async retry(filter: RetryFilter): Promise<{ retried: number; next: string | undefined }> {
    if (filter.jobId !== undefined)
      return { retried: this.#retryOne(filter.jobId), next: undefined }
    const place = filter.after === undefined ? undefined : fromCursor(filter.after)
    const all = this.#inside.failed.from(place, 'oldest')
    const looked = all.slice(0, LOOKED_AT)
    let retried = 0
    let kept = filter.after
    for (const job of looked) {
      if (retried === RETRIED_A_CALL) return { retried, next: kept ?? START }
      if (filter.class === undefined || filter.class === job.failed.class) {
        retried += this.#retryOne(job.id)
      } else kept = toCursor({ at: job.failed.at.getTime(), id: job.id })
    }
    return { retried, next: all.length > looked.length ? (kept ?? START) : undefined }
  }

  async setPaused(paused: boolean): Promise<void> {
    this.#inside.paused = paused
  }

  #listFailed({ class: ofClass, after, limit }: JobFilter): {
    jobs: SeenJob[]
    next: string | undefined
  } {
    const place = after === undefined ? undefined : fromCursor(after)
    const all = this.#inside.failed.from(place, 'latest')
    const jobs: SeenJob[] = []
    for (const [index, { payload: _, key: __, ...job }] of all.slice(0, LOOKED_AT).entries()) {
      if (ofClass === undefined || ofClass === job.failed.class) jobs.push(job)
      const isLast = jobs.length === limit || index === LOOKED_AT - 1
      if (!isLast) continue
      const next = toCursor({ at: job.failed.at.getTime(), id: job.id })
      return { jobs, next: index + 1 < all.length ? next : undefined }
    }
    return { jobs, next: undefined }
  }

  #retryOne(id: string): number {
    const job = this.#inside.failed.get(id)
    if (!job) return 0
    this.#inside.readd(job)
    this.#inside.failed.remove(id)
    return 1
  }
}

/** Before every job. */
const START = toCursor({ at: 0, id: '-' })
