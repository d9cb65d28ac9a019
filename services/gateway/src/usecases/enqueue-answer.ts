import type { Clock, JobQueue } from '@chatbox/core'
import { currentRequestId } from '@chatbox/kit'

export interface EnqueueDeps {
  queue: Pick<JobQueue, 'enqueue'>
  clock: Pick<Clock, 'newId'>
  /** A job was lost; the reconciler finds its question in the store. */
  onLostJob(error: unknown): void
}

interface AnswerJob {
  sessionId: string
  /** The question. */
  messageId: string
  epoch: number
}

/**
 * Hints to the workers that a question waits. Nobody waits for the queue: the question is durable
 * and is found without a job too. The epoch in the id lets a question be asked again after its
 * first job has come and gone.
 */
export function enqueueAnswer(deps: EnqueueDeps, job: AnswerJob): void {
  const { sessionId, messageId, epoch } = job
  const requestId = currentRequestId() ?? deps.clock.newId()
  deps.queue
    .enqueue(
      'answer-message',
      { v: 1, sessionId, messageId, requestId },
      `answer-${messageId}-${epoch}`,
    )
    .catch((error: unknown) => deps.onLostJob(error))
}
