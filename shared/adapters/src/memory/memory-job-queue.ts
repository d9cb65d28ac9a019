import type { JobName, JobPayload } from '@chatbox/contract'
import {
  AppError,
  backoffMs,
  FairLine,
  type JobCounts,
  type JobHandlers,
  type JobQueue,
  type AdapterHooks,
  settlesWithin,
  toAppError,
  type JobState,
  type SeenJob,
} from '@chatbox/core'
import { idsOf, isRetryable, JOB_RULES, planJob, toJobKey, toLane } from '../common/job-rules.ts'
import { RETRY_LANE, toFailureClass } from '../common/inspection.ts'
import { LineRate } from '../common/line-rate.ts'
import { SlotShares } from '../common/slot-shares.ts'
import { FailedJobs, type FailedJob } from './failed-jobs.ts'
import type { QueueInside } from './memory-queue-inspector.ts'

export const MAX_JOBS = 10_000
const DEFAULT_GRACE_MS = 5000

interface MemoryJob {
  key: string
  name: string
  lane: string
  /** Stored as JSON, so that a handler gets the same payload as over a network. */
  payload: string
  createdAt: number
  attemptsMade: number
  /** The next job: the last one that was added while this one ran. */
  next?: { payload: string; lane: string }
}

/**
 * The job queue of a single process, with the same rules as in Redis. Its jobs are lost when the
 * process ends, but the store knows which work is open.
 */
export class MemoryJobQueue implements JobQueue {
  readonly #hooks: Pick<AdapterHooks, 'onPayloadRefused'>
  /** Every waiting, delayed or running job by its key. */
  readonly #jobs = new Map<string, MemoryJob>()
  readonly #waiting = new FairLine<MemoryJob>()
  readonly #rate = new LineRate()
  readonly #resting = new Map<MemoryJob, NodeJS.Timeout>()
  readonly #running = new Map<MemoryJob, { abort: AbortController; done: Promise<void> }>()
  readonly #failed = new FailedJobs()
  #isPaused = false
  #ended = 0
  #lastId = 0
  #handlers: JobHandlers | undefined
  #slots = new SlotShares(0)
  /** The number of jobs that have ever left the line. */
  #served = 0
  #closing: Promise<void> | undefined

  constructor(hooks: Pick<AdapterHooks, 'onPayloadRefused'>) {
    this.#hooks = hooks
  }

  async enqueue<N extends JobName>(name: N, payload: JobPayload<N>): Promise<void> {
    if (this.#closing) throw new AppError('UNAVAILABLE', 'The queue is closed.')
    const key = toJobKey(name, payload)
    const next = { payload: JSON.stringify(payload), lane: toLane(payload) }
    const current = this.#jobs.get(key)
    if (!current) this.#add({ key, name, ...next })
    else if (this.#running.has(current)) current.next = next
  }

  async consume(handlers: JobHandlers, options: { concurrency: number }): Promise<void> {
    if (this.#handlers || this.#closing) throw new Error('this queue is already consumed or closed')
    this.#handlers = handlers
    this.#slots = new SlotShares(options.concurrency)
    this.#startNext()
  }

  async counts(): Promise<JobCounts> {
    return {
      waiting: this.#waiting.size,
      active: this.#running.size,
      delayed: this.#resting.size,
      failed: this.#failed.size,
    }
  }

  async oldestWaitingMs(): Promise<number> {
    const next = this.#waiting.first
    return next ? Math.max(0, Date.now() - next.createdAt) : 0
  }

  async isPaused(): Promise<boolean> {
    return this.#isPaused
  }

  expectedWaitMs(lane: string): number {
    return this.#rate.waitMs(this.#waiting.countAhead(lane))
  }

  async ping(): Promise<void> {
    if (this.#closing) throw new AppError('UNAVAILABLE', 'The queue is closed.')
  }

  /** For the inspector of this queue. */
  get inside(): QueueInside {
    const readd = (job: FailedJob) => this.#readd(job)
    const setPaused = (paused: boolean) => this.#setPaused(paused)
    const ended = () => this.#ended
    const isPaused = () => this.#isPaused
    return {
      failed: this.#failed,
      get ended() {
        return ended()
      },
      get paused() {
        return isPaused()
      },
      set paused(paused) {
        setPaused(paused)
      },
      look: (state) => this.#look(state).map(toSeenJob),
      readd,
    }
  }

  close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    for (const timer of this.#resting.values()) clearTimeout(timer)
    this.#resting.clear()
    this.#waiting.clear()
    const running = [...this.#running.values()]
    for (const { abort } of running) abort.abort('this worker stops')
    await settlesWithin(graceMs, Promise.all(running.map(({ done }) => done)))
    this.#jobs.clear()
  }

  #look(state: Exclude<JobState, 'failed'>): MemoryJob[] {
    if (state === 'waiting') return this.#waiting.items
    return [...(state === 'active' ? this.#running : this.#resting).keys()]
  }

  #readd({ key, name, payload }: FailedJob): void {
    if (this.#closing) throw new AppError('UNAVAILABLE', 'The queue is closed.')
    const next = { payload, lane: RETRY_LANE }
    const current = this.#jobs.get(key)
    if (!current) this.#add({ key, name, ...next })
    else if (this.#running.has(current)) current.next = next
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (!isPaused) this.#startNext()
  }

  #add(work: Pick<MemoryJob, 'key' | 'name' | 'lane' | 'payload'>): void {
    if (this.#jobs.size >= MAX_JOBS) throw new AppError('UNAVAILABLE', 'The queue is full.')
    const job = { ...work, createdAt: Date.now(), attemptsMade: 0 }
    this.#jobs.set(job.key, job)
    this.#join(job)
    this.#noteLine()
  }

  #join(job: MemoryJob): void {
    this.#waiting.add(job.lane, job)
    // No other job in line may start either, because all would have. So the line is not searched.
    if (this.#slots.mayTake(job.lane)) this.#startNext()
  }

  #noteLine(): void {
    this.#rate.note({ waiting: this.#waiting.size, served: this.#served }, performance.now())
  }

  #startNext(): void {
    const handlers = this.#handlers
    while (handlers && !this.#closing && !this.#isPaused) {
      const job = this.#waiting.take((lane) => this.#slots.mayTake(lane))
      if (!job) return
      this.#served++
      this.#noteLine()
      this.#slots.take(job.lane)
      // Do this before the handler begins, because it may enqueue the same work at once.
      const running = { abort: new AbortController(), done: Promise.resolve() }
      this.#running.set(job, running)
      running.done = this.#work(job, handlers, running.abort.signal).finally(() => {
        this.#running.delete(job)
        this.#slots.release(job.lane)
        this.#startNext()
      })
    }
  }

  async #work(job: MemoryJob, handlers: JobHandlers, signal: AbortSignal): Promise<void> {
    const payload: unknown = JSON.parse(job.payload)
    const plan = planJob(job.name, payload, handlers)
    const isTooOld = Date.now() - job.createdAt > JOB_RULES.newerMaxAgeMs
    if (plan.type === 'refused' || (plan.type === 'newer' && isTooOld)) {
      this.#hooks.onPayloadRefused('job', { jobId: job.key, ...idsOf(payload) })
      this.#end(job)
      return
    }
    if (plan.type === 'newer') {
      this.#rest(job, JOB_RULES.newerDelayMs)
      return
    }
    try {
      await plan.run(signal)
      this.#end(job)
    } catch (error) {
      this.#onFailed(job, error)
    }
  }

  #onFailed(job: MemoryJob, error: unknown): void {
    job.attemptsMade++
    if (isRetryable(error) && job.attemptsMade < JOB_RULES.attempts) {
      this.#rest(job, backoffMs(job.attemptsMade, JOB_RULES.backoff, Math.random))
      return
    }
    const failed = { at: new Date(), class: toFailureClass(toAppError(error).code) }
    this.#failed.add({
      ...toSeenJob(job),
      id: `${++this.#lastId}`,
      failed,
      key: job.key,
      payload: job.payload,
    })
    this.#end(job)
  }

  #end({ key, name, next }: MemoryJob): void {
    this.#jobs.delete(key)
    this.#ended++
    if (next && !this.#closing) this.#add({ key, name, ...next })
  }

  #rest(job: MemoryJob, delayMs: number): void {
    if (this.#closing) return
    const timer = setTimeout(() => {
      this.#resting.delete(job)
      this.#join(job)
    }, delayMs)
    this.#resting.set(job, timer)
  }
}

function toSeenJob({ key, name, payload, attemptsMade, createdAt }: MemoryJob): SeenJob {
  const { sessionId } = idsOf(JSON.parse(payload))
  const enqueuedAt = new Date(createdAt)
  return { id: key, name, sessionId, attempts: attemptsMade, enqueuedAt, failed: undefined }
}
