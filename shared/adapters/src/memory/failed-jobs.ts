import type { SeenJob } from '@chatbox/core'
import type { FailedPlace } from '../common/inspection.ts'

const KEPT = { ageMs: 3_600_000, count: 10_000 }

/** A job that failed for good, with what it takes to add it anew. */
export interface FailedJob extends SeenJob {
  failed: NonNullable<SeenJob['failed']>
  key: string
  payload: string
}

/** The failed jobs of a queue, for as long as BullMQ keeps them too. */
export class FailedJobs {
  /** The oldest first. */
  readonly #jobs = new Map<string, FailedJob>()

  get size(): number {
    this.#forgetOld()
    return this.#jobs.size
  }

  get(id: string): FailedJob | undefined {
    return this.#jobs.get(id)
  }

  add(job: FailedJob): void {
    this.#jobs.set(job.id, job)
    this.#forgetOld()
  }

  remove(id: string): void {
    this.#jobs.delete(id)
  }

  /** The jobs behind `place`, the oldest first or the latest first. */
  from(place: FailedPlace | undefined, order: 'oldest' | 'latest'): FailedJob[] {
    this.#forgetOld()
    const all = [...this.#jobs.values()]
    const sorted = order === 'oldest' ? all : all.toReversed()
    if (!place) return sorted
    const index = sorted.findIndex(({ id }) => id === place.id)
    if (index >= 0) return sorted.slice(index + 1)
    return sorted.filter(({ failed }) =>
      order === 'oldest' ? failed.at.getTime() >= place.at : failed.at.getTime() <= place.at,
    )
  }

  #forgetOld(): void {
    const since = Date.now() - KEPT.ageMs
    for (const { id, failed } of this.#jobs.values()) {
      if (failed.at.getTime() > since && this.#jobs.size <= KEPT.count) return
      this.#jobs.delete(id)
    }
  }
}
