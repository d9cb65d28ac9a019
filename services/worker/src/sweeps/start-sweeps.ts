import { backoffMs, toAppError } from '@chatbox/core'
import type { Context } from '../context.ts'
import { endIdleSessions } from './end-idle-sessions.ts'
import { createFinisher, enqueueWaiting } from './reconcile.ts'

interface Sweep {
  /** Also a metric label, so one of a closed set. */
  name: string
  everyMs: number
  run: () => Promise<void>
}

export interface RunningSweep {
  /** Resolves when the running round has ended. */
  stop(): Promise<void>
}

/** The number of questions or sessions per round. The next round follows within seconds. */
const BATCH = 100

/** Starts everything that a worker does without a job. */
export function startSweeps(context: Context, idleMs: number): RunningSweep[] {
  const { takeForMs, staleMs, ...timing } = context.timing
  const taking = { forMs: takeForMs, limit: BATCH }
  const sweeps: Sweep[] = [
    { name: 'reconcile', everyMs: timing.reconcileEveryMs, run: createFinisher(context, taking) },
    {
      name: 'enqueue-waiting',
      everyMs: timing.enqueueEveryMs,
      run: () => enqueueWaiting(context, { ...taking, staleMs }),
    },
    {
      name: 'end-idle-sessions',
      everyMs: timing.idleEveryMs,
      run: () => endIdleSessions(context, idleMs, BATCH),
    },
    { name: 'watch-queue', everyMs: timing.watchEveryMs, run: () => watchQueue(context) },
  ]
  const { budgets } = context
  if (budgets.isLimited) {
    const run = () => budgets.watch()
    sweeps.push({ name: 'watch-budgets', everyMs: timing.watchEveryMs, run })
  }
  return sweeps.map((sweep) => startSweep(context, sweep))
}

/**
 * Runs a sweep repeatedly, with a random pause of half to all of `everyMs`, so that many workers
 * spread out. Rounds never overlap. Each round is counted. A line is logged when a sweep begins to
 * fail, fails with another code or works again.
 */
export function startSweep(
  { clock, logger, metrics }: Pick<Context, 'clock' | 'logger' | 'metrics'>,
  { name, everyMs, run }: Sweep,
): RunningSweep {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  /** The error code of the last round. */
  let failing: string | undefined
  let timer = schedule()

  function schedule(): NodeJS.Timeout {
    const pauseMs = backoffMs(1, { baseMs: everyMs, maxMs: everyMs }, () => clock.random())
    return setTimeout(() => {
      running = sweep()
    }, pauseMs)
  }

  async function sweep(): Promise<void> {
    try {
      await run()
      metrics.swept(name, 'ok')
      if (failing !== undefined) logger.info({ sweep: name }, 'sweep works again')
      failing = undefined
    } catch (error) {
      metrics.swept(name, 'failed')
      const { code } = toAppError(error)
      if (failing !== code) logger.warn({ sweep: name, err: error }, 'sweep failed')
      failing = code
    }
    if (!stopped) timer = schedule()
  }

  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}

/** The label of the only queue. It exists so that more queues can be added. */
const QUEUE = 'jobs'

/**
 * Reports the length of the queue and the age of its oldest job. If the queue does not answer,
 * reports nothing and rejects. Makes three calls, whose cost does not grow with the queue and whose
 * time the queue limits.
 */
export async function watchQueue({ queue, metrics }: Context): Promise<void> {
  try {
    const [counts, oldestMs, paused] = await Promise.all([
      queue.counts(),
      queue.oldestWaitingMs(),
      queue.isPaused(),
    ])
    metrics.queueSeen(QUEUE, { ...counts }, oldestMs / 1000)
    metrics.queuePaused(QUEUE, paused)
  } catch (error) {
    metrics.queueUnseen()
    throw error
  }
}
