import type { JobName, JobPayload } from '@chatbox/contract'
import { AppError, type JobCounts, type JobHandlers, type JobQueue } from '@chatbox/core'
import { Queue } from 'bullmq'
import { JOB_RULES, toJobKey, toLane } from '../../common/job-rules.ts'
import { createReporter } from '../../common/report.ts'
import type { RedisContext } from '../client/context.ts'
import {
  createBullBackend,
  QUEUE_NAME,
  startBullWorker,
  type BullWorker,
  type StallRules,
} from './bull-worker.ts'
import type { InspectedQueue } from './bull-queue-inspector.ts'
import { HELD_KEY, readHeld } from './held-notes.ts'
import { JobTurns } from './job-turns.ts'

const COMMAND_TIMEOUT_MS = 500
const DEFAULT_GRACE_MS = 5000
const FAILED_JOBS_KEPT = { age: 3600, count: 10_000 }

/**
 * A job queue in BullMQ. A job's key is its deduplication id and not its job id. The deduplication
 * id is free as soon as the job completes or fails permanently. A failed job that is kept for
 * inspection would block every later job with the same job id.
 */
export class BullJobQueue implements JobQueue, InspectedQueue {
  readonly #redis: RedisContext
  readonly #stallRules: StallRules | undefined
  readonly #report: (error: unknown) => void
  readonly #queue: Queue
  readonly #turns: JobTurns
  #worker: BullWorker | undefined
  #closing: Promise<void> | undefined

  /** Only tests set `stallRules`. */
  constructor(redis: RedisContext, stallRules?: StallRules) {
    const { commands, keys, hooks } = redis
    this.#redis = redis
    this.#stallRules = stallRules
    this.#report = createReporter(hooks, 'queue')
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
    this.#queue.on('error', this.#report)
    this.#turns = new JobTurns(redis, (type) => this.#queue.toKey(type))
  }

  async enqueue<N extends JobName>(name: N, payload: JobPayload<N>): Promise<void> {
    await this.ask(() => this.add(name, payload, toJobKey(name, payload)))
  }

  async add(name: string, payload: object, key: string): Promise<void> {
    const deduplication = { id: key, keepLastIfActive: true }
    const priority = await this.#turns.take(toLane(payload), key)
    // BullMQ would find the same and drop the job, after ten times the work.
    if (priority === undefined) return
    await this.#queue.add(name, payload, { deduplication, priority })
  }

  get bull(): Queue {
    return this.#queue
  }

  async consume(handlers: JobHandlers, options: { concurrency: number }): Promise<void> {
    if (this.#worker || this.#closing) throw new Error('this queue is already consumed or closed')
    this.#worker = startBullWorker(this.#redis, {
      handlers,
      concurrency: options.concurrency,
      stallRules: this.#stallRules,
      report: this.#report,
    })
  }

  async counts(): Promise<JobCounts> {
    const [counts, held] = await this.ask(() =>
      Promise.all([
        this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed'),
        this.#readHeld(),
      ]),
    )
    const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts
    // BullMQ has given them away, but they wait. A note may be a moment old.
    const heldNow = Math.min(held.count, active)
    const waits = waiting + prioritized + heldNow
    return { waiting: waits, active: active - heldNow, delayed, failed }
  }

  async oldestWaitingMs(): Promise<number> {
    const since = await this.ask(async () => {
      const { oldest } = await this.#readHeld()
      if (oldest > 0) return oldest
      // BullMQ takes jobs of an older version and of a dead worker first, which have no turn.
      const [first, next] = await Promise.all(
        (['wait', 'prioritized'] as const).map((type) => this.#queue.getRanges([type], 0, 0, true)),
      )
      const jobId = first?.[0] ?? next?.[0]
      // Not `getJob`, which fails on a truncated payload.
      return jobId && (await this.#redis.commands.hget(this.#queue.toKey(jobId), 'timestamp'))
    })
    return since ? Math.max(0, Date.now() - Number(since)) : 0
  }

  isPaused(): Promise<boolean> {
    return this.ask(() => this.#queue.isPaused())
  }

  #readHeld(): ReturnType<typeof readHeld> {
    return readHeld(this.#redis, this.#queue.toKey(HELD_KEY))
  }

  expectedWaitMs(lane: string): number {
    return this.#turns.expectedWaitMs(lane)
  }

  async ping(): Promise<void> {
    await this.counts()
  }

  close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    await this.#worker?.stop(graceMs)
    await this.#queue.close().catch(this.#report)
  }

  async ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      if (this.#closing) throw new Error('the queue is closed')
      return await this.#redis.guard(COMMAND_TIMEOUT_MS, command)
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'The queue does not answer.', { cause })
    }
  }
}
