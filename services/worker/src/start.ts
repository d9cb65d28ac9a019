import type {
  Clock,
  ConversationRefs,
  EventBus,
  JobQueue,
  MessageLog,
  ReplyClaims,
  Sessions,
} from '@chatbox/core'
import type { Logger, Metrics, Settings } from '@chatbox/kit'
import { DELTA_INTERVAL_MS } from './delta-interval.ts'
import { onJob } from './jobs/on-job.ts'
import { startSweep } from './jobs/start-sweep.ts'
import { watchQueue } from './jobs/watch-queue.ts'
import type { AnswerDeps, AnswerModel, ReplyTiming } from './answer/answer-deps.ts'
import { answerSession } from './answer/answer-session.ts'
import { endIdleSessions } from './sweeps/end-idle-sessions.ts'
import { createFinisher, enqueueWaiting } from './sweeps/reconcile.ts'
import { RunningReplies } from './answer/running-replies.ts'

export {
  createModelDirectory,
  type ModelDirectory,
  type ModelDirectoryOptions,
} from './models/model-directory.ts'

export interface WorkerDeps {
  sessions: Sessions
  messages: MessageLog
  replies: ReplyClaims
  conversationRefs: ConversationRefs
  queue: JobQueue
  bus: EventBus
  clock: Clock
  logger: Logger
  metrics: Metrics
  models: { find(modelId: string): AnswerModel | undefined }
}

export interface WorkerOptions extends Pick<Settings, 'models' | 'sessions'> {
  /** For tests that cannot wait as long as production does. */
  timing?: Partial<ReplyTiming & SweepTiming>
}

export interface SweepTiming {
  reconcileEveryMs: number
  /** A question that is younger is not looked at by the reconciler. */
  staleMs: number
  /** One that the reconciler took up is left alone for so long. */
  takeForMs: number
  enqueueEveryMs: number
  idleEveryMs: number
  watchEveryMs: number
}

export interface RunningWorker {
  /**
   * Takes no more jobs, stops the running ones and gives their questions back for other workers.
   * Resolves when that is done, or after `graceMs`. Idempotent.
   */
  stop(graceMs: number): Promise<void>
}

/**
 * A dead worker's question goes to another one after at most 7 s: a lease and a sweep, during which the
 * queue gives its job away too. The lease is three renewals long, so one that is late or lost does not
 * cost a reply.
 */
const REPLY_TIMING: Omit<ReplyTiming, 'replyTimeoutMs'> = {
  leaseMs: 6000,
  // Twice as long as an election of a primary takes.
  silenceMs: 30_000,
  deltaIntervalMs: DELTA_INTERVAL_MS,
  deltaLength: 2048,
  maxTries: 3,
  maxRetryAfterMs: 30_000,
  giveUpAfterMs: 60_000,
  maxAttempts: 20,
  providerBackoff: { baseMs: 500, maxMs: 8000 },
  commitPatienceMs: 30_000,
  storeBackoff: { baseMs: 100, maxMs: 1000 },
}

const SWEEP_TIMING: SweepTiming = {
  reconcileEveryMs: 1000,
  staleMs: 3000,
  takeForMs: 5000,
  enqueueEveryMs: 2000,
  idleEveryMs: 30_000,
  // Prometheus asks every 15 s or so: what it gets is younger than that.
  watchEveryMs: 5000,
}

/** Questions or sessions taken up in one sweep: the next sweep is seconds away. */
const BATCH = 100

/** Begins to answer questions from the queue and to sweep up what others left behind. */
export async function startWorker(
  deps: WorkerDeps,
  options: WorkerOptions,
): Promise<RunningWorker> {
  const timing = {
    ...REPLY_TIMING,
    ...SWEEP_TIMING,
    replyTimeoutMs: options.models.totalMs,
    ...options.timing,
  }
  const running = new RunningReplies()
  deps.metrics.workerStarted()
  const answering: AnswerDeps = { ...deps, running, timing }
  const stopListening = await deps.bus.onStop((replyId) => running.stop(replyId))
  await deps.queue.consume(
    {
      'answer-session': (payload, signal) =>
        onJob(deps, {
          name: 'answer-session',
          payload,
          signal,
          run: (job) => answerSession(answering, job, signal),
        }),
    },
    { concurrency: options.models.concurrency },
  )
  const sweeps = startSweeps(deps, options, timing)
  return {
    async stop(graceMs) {
      const ended = Promise.all([
        deps.queue.close(graceMs),
        ...sweeps.map((sweep) => sweep.stop()),
        stopListening(),
      ])
      await within(graceMs, ended)
    },
  }
}

function startSweeps(
  deps: WorkerDeps,
  options: WorkerOptions,
  timing: SweepTiming & Pick<ReplyTiming, 'leaseMs'>,
) {
  const taking = { forMs: timing.takeForMs, limit: BATCH }
  return [
    startSweep(deps, {
      name: 'reconcile',
      everyMs: timing.reconcileEveryMs,
      run: createFinisher(deps, { ...taking, graceMs: timing.leaseMs }),
    }),
    startSweep(deps, {
      name: 'enqueue-waiting',
      everyMs: timing.enqueueEveryMs,
      run: () => enqueueWaiting(deps, { ...taking, staleMs: timing.staleMs }),
    }),
    startSweep(deps, {
      name: 'end-idle-sessions',
      everyMs: timing.idleEveryMs,
      run: () => endIdleSessions(deps, { idleMs: options.sessions.idleTimeoutMs, batch: BATCH }),
    }),
    startSweep(deps, {
      name: 'watch-queue',
      everyMs: timing.watchEveryMs,
      run: () => watchQueue(deps),
    }),
  ]
}

/** Waits for `ended`, but not longer than `ms`: what is left then ends with the process. */
async function within(ms: number, ended: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await Promise.race([ended, late])
  } finally {
    clearTimeout(timer)
  }
}
