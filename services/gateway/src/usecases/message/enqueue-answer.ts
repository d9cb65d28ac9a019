import type { Clock, JobQueue } from '@chatbox/core'
import { currentRequestId } from '@chatbox/kit'

export interface EnqueueDeps {
  queue: Pick<JobQueue, 'enqueue'>
  clock: Pick<Clock, 'newId'>
  /** A job was lost; the reconciler finds its question in the store. */
  onLostJob(error: unknown): void
}

/**
 * Hints to the workers that a question waits in the session. Nobody waits for the queue: the question
 * is durable and is found without a job too.
 */
export function enqueueAnswer(deps: EnqueueDeps, sessionId: string): void {
  const requestId = currentRequestId() ?? deps.clock.newId()
  deps.queue
    .enqueue('answer-session', { v: 1, sessionId, requestId })
    .catch((error: unknown) => deps.onLostJob(error))
}
