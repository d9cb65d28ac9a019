import { backoffMs, toAppError } from '@chatbox/core'
import type { Context } from '../context.ts'
import { endIdleSessions } from './end-idle-sessions.ts'
import { createFinisher, enqueueWaiting } from './reconcile.ts'

interface Sweep {
  /** Also a label: one of a closed set. */
  name: string
  everyMs: number
  run: () => Promise<void>
}

export interface RunningSweep {
  /** Resolves when the round that is running has ended. */
  stop(): Promise<void>
}

/** Questions or sessions taken up in one round: the next one is seconds away. */
const BATCH = 100

/** All that a worker does without being asked. */
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
  return sweeps.map((sweep) => startSweep(context, sweep))
}

/**
 * Runs a sweep again and again, each time after a pause of half to all of `everyMs`, so that many
 * workers spread out; never two rounds at once. Each round is counted, and a line is written when a
 * sweep begins to fail, fails with another code or works again.
 */
export function startSweep(
  { clock, logger, metrics }: Context,
  { name, everyMs, run }: Sweep,
): RunningSweep {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  /** The code that the last round failed with. */
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

/** There is one queue: its label is there for the day when there are more. */
const QUEUE = 'jobs'

/**
 * Shows how much waits in the queue and for how long; shows nothing and rejects where the queue does
 * not answer. Takes two calls whose cost does not grow with the queue, each bounded by the queue
 * itself.
 */
export async function watchQueue({ queue, metrics }: Context): Promise<void> {
  try {
    const [counts, oldestMs] = await Promise.all([queue.counts(), queue.oldestWaitingMs()])
    metrics.queueSeen(QUEUE, { ...counts }, oldestMs / 1000)
  } catch (error) {
    metrics.queueUnseen()
    throw error
  }
}
