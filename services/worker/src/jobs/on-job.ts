import type { JobName, JobPayload } from '@chatbox/contract'
import { toAppError } from '@chatbox/core'
import { nameSession, withRequestId } from '@chatbox/kit'
import type { Context } from '../context.ts'

export interface Job<N extends JobName> {
  name: N
  payload: JobPayload<N>
  /** Aborts when the job is to go to another worker. */
  signal: AbortSignal
}

/**
 * Runs one job under the request id of what caused it: log lines and provider calls carry it. Times
 * it, and lets its failure through for the queue, which tries again unless it is not retryable. `run`
 * answers in one word how it ended: a label, so one of a closed set.
 */
export async function onJob<N extends JobName>(
  { logger, metrics }: Context,
  { name, payload, signal }: Job<N>,
  run: () => Promise<string>,
): Promise<void> {
  const startedAt = performance.now()
  const done = (outcome: string) =>
    metrics.jobDone(name, outcome, (performance.now() - startedAt) / 1000)
  await withRequestId(payload.requestId, async () => {
    nameSession(payload.sessionId)
    try {
      done(await run())
    } catch (thrown) {
      const { code, retryable } = toAppError(thrown)
      const outcome = signal.aborted ? 'handed-over' : retryable ? 'retry' : 'failed'
      done(outcome)
      if (signal.aborted) logger.info({ job: name }, 'job handed over')
      else logger.warn({ job: name, outcome, code, err: thrown }, 'job not done')
      throw thrown
    }
  })
}
