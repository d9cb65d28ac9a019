import type { ReplyTask, Taking } from '@chatbox/core'
import { appendCommitted } from '../answer/append-reply.ts'
import type { Context } from '../context.ts'

/**
 * Finishes what was left behind: puts committed answers into the log, and asks for a worker for
 * questions whose worker is dead. Every worker does this, so nothing else has to survive. One
 * question's fault does not keep the others waiting.
 */
export async function finishReplies(context: Context, taking: Taking): Promise<void> {
  const unfinished = await context.replies.takeUnfinished(taking)
  await Promise.all(unfinished.map((task) => takeUp(context, task)))
}

/**
 * A sweep that finishes replies. When the store is back after it was away, leases have ended under
 * workers that live: it leaves them the time of a lease to renew these before it takes anything up.
 */
export function createFinisher(context: Context, taking: Taking): () => Promise<void> {
  let failedAt = -Infinity
  return async () => {
    try {
      if (performance.now() - failedAt >= context.timing.leaseMs) {
        await finishReplies(context, taking)
      } else {
        // Only to know whether the store is away again.
        await context.replies.takeUnfinished({ forMs: 0, limit: 1 })
      }
    } catch (error) {
      failedAt = performance.now()
      throw error
    }
  }
}

/** Asks again for a worker for questions whose job may be lost: they have waited for `staleMs`. */
export async function enqueueWaiting(
  context: Context,
  { staleMs, ...taking }: Taking & { staleMs: number },
): Promise<void> {
  const waiting = await context.replies.takeWaiting(staleMs, taking)
  await Promise.all(waiting.map((task) => takeUp(context, task)))
}

async function takeUp(context: Context, task: ReplyTask): Promise<void> {
  const { queue, clock, metrics, logger } = context
  const { sessionId, messageId, state } = task
  try {
    if (state === 'committed') await appendCommitted(context, task)
    await queue.enqueue('answer-session', { v: 1, sessionId, requestId: clock.newId() })
    metrics.reconciled(state === 'running' ? 'expired' : state)
  } catch (error) {
    logger.warn({ sessionId, messageId, err: error }, 'question not taken up')
  }
}
