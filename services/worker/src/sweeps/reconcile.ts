import type { ReplyClaims, ReplyTask, Taking } from '@chatbox/core'
import type { AnswerDeps } from '../answer/answer-deps.ts'
import { materialiseCommitted, type MaterialiseDeps } from '../answer/materialise-reply.ts'

export interface ReconcileDeps extends MaterialiseDeps {
  replies: MaterialiseDeps['replies'] & Pick<ReplyClaims, 'takeUnfinished' | 'takeWaiting'>
  queue: AnswerDeps['queue']
}

/**
 * Finishes what was left behind: puts committed answers into the log, and asks for a worker for
 * questions whose worker is dead. Every worker does this, so nothing else has to survive. One
 * question's fault does not keep the others waiting.
 */
export async function finishReplies(deps: ReconcileDeps, taking: Taking): Promise<void> {
  const unfinished = await deps.replies.takeUnfinished(taking)
  await Promise.all(unfinished.map((task) => takeUp(deps, task)))
}

/**
 * A sweep that finishes replies. When the store is back after it was away, leases have ended under
 * workers that live: it leaves them `graceMs` to renew these before it takes anything up.
 */
export function createFinisher(
  deps: ReconcileDeps,
  { graceMs, ...taking }: Taking & { graceMs: number },
): () => Promise<void> {
  let failedAt = -Infinity
  return async () => {
    try {
      if (performance.now() - failedAt >= graceMs) await finishReplies(deps, taking)
      // Only to know whether the store is away again.
      else await deps.replies.takeUnfinished({ forMs: 0, limit: 1 })
    } catch (error) {
      failedAt = performance.now()
      throw error
    }
  }
}

/** Asks again for a worker for questions whose job may be lost: they have waited for `staleMs`. */
export async function enqueueWaiting(
  deps: ReconcileDeps,
  { staleMs, ...taking }: Taking & { staleMs: number },
): Promise<void> {
  const waiting = await deps.replies.takeWaiting(staleMs, taking)
  await Promise.all(waiting.map((task) => takeUp(deps, task)))
}

async function takeUp(deps: ReconcileDeps, task: ReplyTask): Promise<void> {
  const { sessionId, messageId, state } = task
  try {
    if (state === 'committed') await materialiseCommitted(deps, task)
    await deps.queue.enqueue('answer-session', { v: 1, sessionId, requestId: deps.clock.newId() })
    deps.metrics.reconciled(state === 'running' ? 'expired' : state)
  } catch (error) {
    deps.logger.warn({ sessionId, messageId, err: error }, 'question not taken up')
  }
}
