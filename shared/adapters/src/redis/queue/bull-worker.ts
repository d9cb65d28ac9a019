import { randomUUID } from 'node:crypto'
import { settlesWithin, toAppError, type JobHandlers } from '@chatbox/core'
import {
  DelayedError,
  QueueKeys,
  RedisConnection,
  RedisQueueBackend,
  UnrecoverableError,
  WaitingError,
  Worker,
  type Job,
  type JobJson,
  type Processor,
  type QueueOptions,
} from 'bullmq'
import { idsOf, isRetryable, JOB_RULES, planJob, toLane } from '../../common/job-rules.ts'
import { closeClient, type RedisClient } from '../client/connection.ts'
import type { RedisContext } from '../client/context.ts'
import { HeldJobs } from './held-jobs.ts'
import { HELD_KEY, HeldNotes } from './held-notes.ts'

export const QUEUE_NAME = 'jobs'

/** When BullMQ considers a worker dead. */
export interface StallRules {
  /** Another worker gets a dead worker's job after at most `lockMs + stalledEveryMs`. */
  lockMs: number
  stalledEveryMs: number
  /** How many crashes end a job permanently. */
  maxStalledCount: number
}

/**
 * A session has one job, so a dead worker's questions wait for this as well as for their leases: 7
 * s in all. By default BullMQ ends a job at its second crash; here only the store ends jobs.
 */
const STALL_RULES: StallRules = { lockMs: 6000, stalledEveryMs: 1000, maxStalledCount: 1000 }
/** How soon a worker retries after a lost connection. BullMQ's default is 15 s. */
const RUN_RETRY_MS = 500
const HAND_BACK_MS = 1000

export interface BullWorker {
  /**
   * Takes no more jobs, aborts the running handlers and waits up to `graceMs` for them. A job whose
   * handler rejected or did not end in time goes to the front of the queue. Takes at most 2 s more
   * than `graceMs`, even without Redis.
   */
  stop(graceMs: number): Promise<void>
}

interface WorkerOptions {
  handlers: JobHandlers
  concurrency: number
  stallRules: StallRules | undefined
  report: (error: unknown) => void
}

/** The shared state of one worker's jobs. */
interface Shift {
  stopping: boolean
  /** Rejects when unfinished handlers are abandoned. */
  abandoned: PromiseWithResolvers<never>
  places: HeldJobs
  /** Tells an idle worker that a job waits. */
  wake: () => Promise<unknown>
}

export function startBullWorker(redis: RedisContext, options: WorkerOptions): BullWorker {
  const { handlers, concurrency, stallRules = STALL_RULES, report } = options
  const clients = { main: redis.open('jobs'), blocking: redis.open('blocking') }
  const places = new HeldJobs(concurrency, (held) => {
    worker.concurrency = concurrency + held
    notes.changed()
  })
  const shift: Shift = {
    stopping: false,
    abandoned: Promise.withResolvers(),
    places,
    wake: () => clients.main.zadd(worker.toKey('marker'), 0, '0'),
  }
  shift.abandoned.promise.catch(() => undefined)
  const worker: Worker = new ToleratingWorker(
    QUEUE_NAME,
    createProcessor(handlers, redis.hooks, shift),
    {
      connection: clients.main,
      prefix: redis.keys.queuePrefix,
      concurrency,
      lockDuration: stallRules.lockMs,
      stalledInterval: stallRules.stalledEveryMs,
      maxStalledCount: stallRules.maxStalledCount,
      runRetryDelay: RUN_RETRY_MS,
    },
    (name, bullOptions) => createBullBackend(name, bullOptions, clients),
  )
  const notes = new HeldNotes(redis, {
    ...{ key: worker.toKey(HELD_KEY), worker: randomUUID() },
    read: () => places.held,
  })
  worker.on('error', report)
  worker.on('lockRenewalFailed', (jobIds: string[]) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, 'the job belongs to another worker now')
  })

  async function stop(graceMs: number): Promise<void> {
    shift.stopping = true
    const closed = worker.close().catch(report)
    worker.cancelAllJobs('this worker is stopping')
    // BullMQ waits for this to end, which does not happen by itself while Redis is down.
    const unblocked = closeClient(clients.blocking)
    if (!(await settlesWithin(graceMs, closed))) {
      shift.abandoned.reject(new Error('the handler did not end in time'))
      await settlesWithin(HAND_BACK_MS, closed)
    }
    await Promise.all([unblocked, notes.stop()])
    // Disconnect once more: on a Redis Cluster, BullMQ may have taken the first time for a failure
    // and reconnected.
    await Promise.all([closeClient(clients.main), closeClient(clients.blocking)])
  }

  return { stop }
}

/**
 * Passes a payload that is not JSON to the processor, which refuses it. BullMQ would throw, and
 * retry each time it finds the job stalled.
 */
class ToleratingWorker extends Worker {
  protected override createJob(json: JobJson, jobId: string): ReturnType<Worker['createJob']> {
    return super.createJob(isJson(json.data) ? json : { ...json, data: 'null' }, jobId)
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function createProcessor(
  handlers: JobHandlers,
  hooks: RedisContext['hooks'],
  shift: Shift,
): Processor {
  async function run(job: Job<unknown>, token = '', work: () => Promise<void>): Promise<void> {
    try {
      await Promise.race([work(), shift.abandoned.promise])
    } catch (error) {
      if (!shift.stopping) throw toBullError(error)
      await job.moveToWait(token)
      // BullMQ sets this mark for every job that begins to wait, except for one with a priority here.
      await shift.wake()
      throw new WaitingError()
    }
  }

  // BullMQ passes the signal only to a function that declares three parameters.
  return async function onJob(job: Job<unknown>, token, signal) {
    const plan = planJob(job.name, job.data, handlers)
    if (plan.type === 'run') {
      const aborted = signal ?? new AbortController().signal
      const waiting = { lane: toLane(job.data), since: job.timestamp }
      return run(job, token, () => shift.places.run(waiting, aborted, () => plan.run(aborted)))
    }
    if (plan.type === 'refused' || isTooOld(job)) {
      hooks.onPayloadRefused('job', { jobId: job.id ?? '', ...idsOf(job.data) })
      return
    }
    await job.moveToDelayed(Date.now() + JOB_RULES.newerDelayMs, token)
    throw new DelayedError()
  }
}

function isTooOld(job: Job<unknown>): boolean {
  return Date.now() - job.timestamp > JOB_RULES.newerMaxAgeMs
}

/** BullMQ stores an error's message in Redis, and no user's text may be stored there. */
function toBullError(error: unknown): Error {
  const { code } = toAppError(error)
  return isRetryable(error) ? new Error(code) : new UnrecoverableError(code)
}

/**
 * Creates a BullMQ worker on our own clients. BullMQ would copy one client's options for its
 * commands and its blocking read, which must fail in different ways.
 */
export function createBullBackend(
  name: string,
  options: Pick<QueueOptions, 'connection' | 'prefix'>,
  clients: { main: RedisClient; blocking?: RedisClient },
): RedisQueueBackend {
  const { prefix } = options
  const keys = new QueueKeys(prefix)
  return new RedisQueueBackend(
    connect(clients.main, { skipWaitingForReady: true }),
    name,
    keys.getKeys(name),
    (type) => keys.toKey(name, type),
    options,
    clients.blocking && connect(clients.blocking, { blocking: true }),
  )
}

function connect(
  client: RedisClient,
  options: { blocking?: boolean; skipWaitingForReady?: boolean },
): RedisConnection {
  const connection = new RedisConnection(client, {
    shared: true,
    blocking: false,
    // BullMQ's check prints to the console, and sees only the state of Redis at this moment.
    skipVersionCheck: true,
    ...options,
  })
  // Without the check BullMQ assumes Redis 5 or older, where blocking reads wait whole seconds.
  void connection.client.then(
    () => (connection.capabilities.canDoubleTimeout = true),
    () => undefined,
  )
  return connection
}
