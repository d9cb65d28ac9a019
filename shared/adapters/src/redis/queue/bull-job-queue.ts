import type { JobName, JobPayload } from '@chatbox/contract'
import {
  AppError,
  type JobCounts,
  type JobHandlers,
  type JobQueue,
  type AdapterHooks,
} from '@chatbox/core'
import { Queue } from 'bullmq'
import { JOB_RULES, toJobKey } from '../../common/job-rules.ts'
import { createBullBackend } from './bull-backend.ts'
import { startBullWorker, type BullWorker, type StallRules } from './bull-worker.ts'
import type { Purpose, RedisClient } from '../client/connection.ts'
import type { Guard } from '../client/guard.ts'
import type { RedisKeys } from '../client/keys.ts'
import { startWatchdog } from '../client/watchdog.ts'

const QUEUE_NAME = 'jobs'
const COMMAND_TIMEOUT_MS = 500
const DEFAULT_GRACE_MS = 5000
const STUCK_AFTER_MS = 15_000
const FAILED_JOBS_KEPT = { age: 3600, count: 1000 }

interface QueueParts {
  commands: RedisClient
  guard: Guard
  keys: RedisKeys
  hooks: AdapterHooks
  /** Opens a connection that belongs to this queue. */
  open: (purpose: Purpose) => RedisClient
  report: (error: unknown) => void
  /** For tests: when a worker that takes nothing counts as stuck. */
  stuckAfterMs?: number
  stallRules?: StallRules | undefined
}

/**
 * Jobs in BullMQ. A job's key is its deduplication id there and not its job id: the former is free
 * again as soon as the job completes or fails for good, whereas a failed job that is kept for
 * inspection would swallow every later job of the same id.
 */
export class BullJobQueue implements JobQueue {
  readonly #parts: QueueParts
  readonly #queue: Queue
  #worker: BullWorker | undefined
  #stopWatchdog: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(parts: QueueParts) {
    this.#parts = parts
    const { commands, keys } = parts
    this.#queue = new Queue(
      QUEUE_NAME,
      {
        connection: commands,
        prefix: keys.queuePrefix,
        streams: { events: { maxLen: 1000 } },
        defaultJobOptions: {
          attempts: JOB_RULES.attempts,
          backoff: { type: 'exponential', delay: JOB_RULES.backoff.baseMs, jitter: 0.5 },
          removeOnComplete: true,
          removeOnFail: FAILED_JOBS_KEPT,
          stackTraceLimit: 0,
        },
      },
      (name, options) => createBullBackend(name, options, { main: commands }),
    )
    this.#queue.on('error', parts.report)
  }

  async enqueue<N extends JobName>(name: N, payload: JobPayload<N>): Promise<void> {
    const deduplication = { id: toJobKey(name, payload), keepLastIfActive: true }
    await this.#ask(() => this.#queue.add(name, payload, { deduplication }))
  }

  async consume(handlers: JobHandlers, options: { concurrency: number }): Promise<void> {
    if (this.#worker || this.#closing) throw new Error('this queue is consumed or closed already')
    const start = (): BullWorker => this.#startWorker(handlers, options.concurrency)
    let worker = (this.#worker = start())
    this.#stopWatchdog = startWatchdog({
      stuckAfterMs: this.#parts.stuckAfterMs ?? STUCK_AFTER_MS,
      isIdle: () => worker.running() === 0,
      countWaiting: async () => (await this.counts()).waiting,
      restart: async () => {
        this.#parts.report(new Error('restarting a worker that takes no jobs while some wait'))
        const stuck = worker
        worker = this.#worker = start()
        await stuck.stop(0)
      },
    })
  }

  async counts(): Promise<JobCounts> {
    const counts = await this.#ask(() =>
      this.#queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
    )
    const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
    return { waiting, active, delayed, failed }
  }

  async oldestWaitingMs(): Promise<number> {
    const timestamp = await this.#ask(async () => {
      const [jobId] = await this.#queue.getRanges(['wait'], 0, 0, true)
      // Not `getJob`, which fails on a payload that somebody cut.
      return jobId && (await this.#parts.commands.hget(this.#queue.toKey(jobId), 'timestamp'))
    })
    return timestamp ? Math.max(0, Date.now() - Number(timestamp)) : 0
  }

  async ping(): Promise<void> {
    await this.counts()
  }

  close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    this.#stopWatchdog?.()
    await this.#worker?.stop(graceMs)
    await this.#queue.close().catch(this.#parts.report)
  }

  #startWorker(handlers: JobHandlers, concurrency: number): BullWorker {
    const { keys, hooks, open, report, stallRules } = this.#parts
    return startBullWorker({
      queueName: QUEUE_NAME,
      prefix: keys.queuePrefix,
      clients: { main: open('jobs'), blocking: open('blocking') },
      handlers,
      concurrency,
      stallRules,
      hooks,
      report,
    })
  }

  async #ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      if (this.#closing) throw new Error('the queue is closed')
      return await this.#parts.guard(COMMAND_TIMEOUT_MS, command)
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'The queue does not answer.', { cause })
    }
  }
}
