import type { ReplyTask, Taking } from '@chatbox/core'
import { appendCommitted } from '../answer/append-reply.ts'
import type { Context } from '../context.ts'

/**
 * Finishes unfinished replies: appends committed ones to the log, and enqueues questions whose
 * worker is dead. Every worker does this, so no particular process has to survive. The failure of
 * one question does not delay the others.
 */
export async function finishReplies(context: Context, taking: Taking): Promise<void> {
  const unfinished = await context.replies.takeUnfinished(taking)
  await Promise.all(unfinished.map((task) => takeUp(context, task)))
}

/**
 * Creates the sweep that finishes replies. When the store returns after an outage, the leases of
 * live workers have run out. The sweep gives them the time of a lease to renew before it takes over
 * any question.
 */
export function createFinisher(context: Context, taking: Taking): () => Promise<void> {
  let failedAt = -Infinity
  return async () => {
    try {
      if (performance.now() - failedAt >= context.timing.leaseMs) {
        await finishReplies(context, taking)
      } else {
        // This call only shows whether the store is down again.
        await context.replies.takeUnfinished({ forMs: 0, limit: 1 })
      }
    } catch (error) {
      failedAt = performance.now()
      throw error
    }
  }
}

/** Enqueues questions again that have waited for `staleMs`, because their jobs may be lost. */
export async function enqueueWaiting(
  context: Context,
  { staleMs, ...taking }: Taking & { staleMs: number },
): Promise<void> {
  const waiting = await context.replies.takeWaiting(staleMs, taking)
  await Promise.all(waiting.map((task) => takeUp(context, task)))
}

async function takeUp(context: Context, task: ReplyTask): Promise<void> {
  const { queue, clock, metrics, logger } = context
  const { sessionId, messageId, state, lane } = task
  try {
    if (state === 'committed') await appendCommitted(context, task)
    await queue.enqueue('answer-session', { v: 1, sessionId, requestId: clock.newId(), lane })
    metrics.reconciled(state === 'running' ? 'expired' : state)
  } catch (error) {
    logger.warn({ sessionId, messageId, err: error }, 'question not taken up')
  }
}
