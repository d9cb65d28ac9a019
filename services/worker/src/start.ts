import { settlesWithin } from '@chatbox/core'
import { createBudgets, toBudgetLimits, type BudgetParts, type Settings } from '@chatbox/kit'
import { answerSession } from './answer/answer-session.ts'
import { RunningReplies } from './answer/running-replies.ts'
import { TIMING, type Context, type Timing } from './context.ts'
import type { RunningAlerts } from './alerts/start-alerts.ts'
import { onJob } from './jobs/on-job.ts'
import { startSweeps } from './sweeps/start-sweeps.ts'

export { startAlerts } from './alerts/start-alerts.ts'
export { createDeltaPace } from './answer/deltas/delta-pace.ts'
export { TIMING } from './context.ts'
export { toMaxWaiting } from './models/provider-limit.ts'
export {
  createModelDirectory,
  type ModelDirectory,
  type ModelDirectoryOptions,
} from './models/model-directory.ts'

export interface WorkerOptions extends Pick<Settings, 'models' | 'sessions' | 'budgets'> {
  /** Set only by tests that cannot wait for the production values. */
  timing?: Partial<Timing> | undefined
}

type WorkerParts = Omit<Context, 'running' | 'timing' | 'budgets'> &
  Pick<BudgetParts, 'ledger' | 'pseudonym'> & {
    /** Without it, jobs of alerts are left to other workers. */
    alerts?: Pick<RunningAlerts, 'onJob'>
  }

export interface RunningWorker {
  /**
   * Takes no more jobs, stops the running ones and releases their questions for other workers.
   * Resolves when that is done, or after `graceMs`; the rest ends with the process. Idempotent.
   */
  stop(graceMs: number): Promise<void>
}

/** Starts to answer questions from the queue, and to finish work that others left behind. */
export async function startWorker(
  { ledger, pseudonym, alerts, ...parts }: WorkerParts,
  { models, sessions, budgets, timing }: WorkerOptions,
): Promise<RunningWorker> {
  const context: Context = {
    ...parts,
    running: new RunningReplies(),
    budgets: createBudgets(toBudgetLimits({ budgets }), { ...parts, ledger, pseudonym }),
    timing: { ...TIMING, replyTimeoutMs: models.totalMs, ...timing },
  }
  context.metrics.workerStarted()
  const stopListening = await context.bus.onStop((replyId) => context.running.stop(replyId))
  await context.queue.consume(
    {
      'answer-session': (payload, signal) =>
        onJob(context, { name: 'answer-session', payload, signal }, () =>
          answerSession(context, payload, signal),
        ),
      ...(alerts
        ? {
            'deliver-alert': (payload, signal) =>
              onJob(context, { name: 'deliver-alert', payload, signal }, () =>
                alerts.onJob(payload),
              ),
          }
        : {}),
    },
    { concurrency: models.concurrency },
  )
  const sweeps = startSweeps(context, sessions.idleTimeoutMs)
  return {
    async stop(graceMs) {
      const ended = Promise.all([
        context.queue.close(graceMs),
        ...sweeps.map((sweep) => sweep.stop()),
        stopListening(),
      ])
      if (await settlesWithin(graceMs, ended)) await ended
    },
  }
}
