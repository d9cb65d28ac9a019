import type { JobName, JobPayload } from '@chatbox/contract'
import {
  AppError,
  backoffMs,
  type JobCounts,
  type JobHandlers,
  type JobQueue,
  type AdapterHooks,
  settlesWithin,
} from '@chatbox/core'
import { idsOf, isRetryable, JOB_RULES, planJob, toJobKey } from '../common/job-rules.ts'

const MAX_JOBS = 10_000
const DEFAULT_GRACE_MS = 5000
const FAILED_KEPT = { ageMs: 3_600_000, count: 1000 }

interface MemoryJob {
  key: string
  name: string
  /** Stored as JSON, so that a handler gets the same payload as over a network. */
  payload: string
  createdAt: number
  attemptsMade: number
  /** The payload of the next job: the last one that was added while this one ran. */
  next?: string
}

/**
 * The job queue of a single process, with the same rules as in Redis. Its jobs are lost when the
 * process ends, but the store knows which work is open.
 */
export class MemoryJobQueue implements JobQueue {
  readonly #hooks: Pick<AdapterHooks, 'onPayloadRefused'>
  /** Every waiting, delayed or running job by its key. */
  readonly #jobs = new Map<string, MemoryJob>()
  readonly #waiting: MemoryJob[] = []
  readonly #resting = new Map<MemoryJob, NodeJS.Timeout>()
  readonly #running = new Map<MemoryJob, { abort: AbortController; done: Promise<void> }>()
  #failedAt: number[] = []
  #handlers: JobHandlers | undefined
  #concurrency = 0
  #closing: Promise<void> | undefined

  constructor(hooks: Pick<AdapterHooks, 'onPayloadRefused'>) {
    this.#hooks = hooks
  }

  async enqueue<N extends JobName>(name: N, payload: JobPayload<N>): Promise<void> {
    if (this.#closing) throw new AppError('UNAVAILABLE', 'The queue is closed.')
    const key = toJobKey(name, payload)
    const json = JSON.stringify(payload)
    const current = this.#jobs.get(key)
    if (!current) this.#add(key, name, json)
    else if (this.#running.has(current)) current.next = json
  }

  async consume(handlers: JobHandlers, options: { concurrency: number }): Promise<void> {
    if (this.#handlers || this.#closing) throw new Error('this queue is already consumed or closed')
    this.#handlers = handlers
    this.#concurrency = options.concurrency
    this.#startNext()
  }

  async counts(): Promise<JobCounts> {
    const since = Date.now() - FAILED_KEPT.ageMs
    this.#failedAt = this.#failedAt.filter((at) => at > since).slice(-FAILED_KEPT.count)
    return {
      waiting: this.#waiting.length,
      active: this.#running.size,
      delayed: this.#resting.size,
      failed: this.#failedAt.length,
    }
  }

  async oldestWaitingMs(): Promise<number> {
    const [next] = this.#waiting
    return next ? Math.max(0, Date.now() - next.createdAt) : 0
  }

  async ping(): Promise<void> {
    if (this.#closing) throw new AppError('UNAVAILABLE', 'The queue is closed.')
  }

  close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    for (const timer of this.#resting.values()) clearTimeout(timer)
    this.#resting.clear()
    this.#waiting.length = 0
    const running = [...this.#running.values()]
    for (const { abort } of running) abort.abort('this worker stops')
    await settlesWithin(graceMs, Promise.all(running.map(({ done }) => done)))
    this.#jobs.clear()
  }

  #add(key: string, name: string, payload: string): void {
    if (this.#jobs.size >= MAX_JOBS) throw new AppError('UNAVAILABLE', 'The queue is full.')
    const job = { key, name, payload, createdAt: Date.now(), attemptsMade: 0 }
    this.#jobs.set(key, job)
    this.#waiting.push(job)
    this.#startNext()
  }

  #startNext(): void {
    const handlers = this.#handlers
    while (handlers && !this.#closing && this.#running.size < this.#concurrency) {
      const job = this.#waiting.shift()
      if (!job) return
      // Do this before the handler begins, because it may enqueue the same work at once.
      const running = { abort: new AbortController(), done: Promise.resolve() }
      this.#running.set(job, running)
      running.done = this.#work(job, handlers, running.abort.signal).finally(() => {
        this.#running.delete(job)
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
    this.#end(job)
    this.#failedAt = [...this.#failedAt, Date.now()].slice(-FAILED_KEPT.count)
  }

  #end({ key, name, next }: MemoryJob): void {
    this.#jobs.delete(key)
    if (next && !this.#closing) this.#add(key, name, next)
  }

  #rest(job: MemoryJob, delayMs: number): void {
    if (this.#closing) return
    const timer = setTimeout(() => {
      this.#resting.delete(job)
      this.#waiting.push(job)
      this.#startNext()
    }, delayMs)
    this.#resting.set(job, timer)
  }
}
