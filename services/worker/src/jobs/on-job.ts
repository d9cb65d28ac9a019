import type { JobName, JobPayload } from '@chatbox/contract'
import { toAppError } from '@chatbox/core'
import { nameSession, withRequestId } from '@chatbox/kit'
import type { Context } from '../context.ts'

export interface Job<N extends JobName> {
  name: N
  payload: JobPayload<N>
  /** Aborts when the job must go to another worker. */
  signal: AbortSignal
}

/**
 * Runs one job under the request id of its cause, which log lines and provider calls carry.
 * Measures its duration. Rethrows failures for the queue, which retries them if they are retryable.
 * `run` returns its result as one word of a closed set, because the word is a metric label.
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
