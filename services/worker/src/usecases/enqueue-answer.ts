import type { JobQueue, ReplyTask } from '@chatbox/core'

/**
 * Asks for a worker for an open question. `reason` keeps the ids of jobs with different causes
 * apart: the queue drops a job whose id still waits or runs, and a job that runs may be just about
 * to find that it has nothing to do.
 */
export async function enqueueAnswer(
  queue: Pick<JobQueue, 'enqueue'>,
  open: Pick<ReplyTask, 'sessionId' | 'messageId' | 'epoch'>,
  { reason, requestId }: { reason: string; requestId: string },
): Promise<void> {
  const { sessionId, messageId, epoch } = open
  await queue.enqueue(
    'answer-message',
    { v: 1, sessionId, messageId, requestId },
    `answer-${messageId}-${epoch}-${reason}`,
  )
}
