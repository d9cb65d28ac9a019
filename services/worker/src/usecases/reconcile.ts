import type { ReplyClaims, ReplyTask } from '@chatbox/core'
import type { AnswerDeps } from './answer-deps.ts'
import { materialiseReply, type MaterialiseDeps } from './materialise-reply.ts'

export interface ReconcileDeps extends MaterialiseDeps {
  replies: MaterialiseDeps['replies'] & Pick<ReplyClaims, 'findOpen' | 'listStranded'>
  queue: AnswerDeps['queue']
}

export interface ReconcileLimits {
  /** A question that is younger is likely to be in good hands. */
  staleMs: number
  /** Questions taken up in one sweep. */
  batch: number
}

/**
 * Takes up what was left behind: puts committed answers into the log, and asks for a worker for
 * questions whose job is lost or whose worker is dead. Every worker does this, so nothing else has
 * to survive. One question's fault does not keep the others waiting.
 */
export async function reconcile(deps: ReconcileDeps, limits: ReconcileLimits): Promise<void> {
  const stranded = await deps.replies.listStranded(limits.staleMs, limits.batch)
  for (const open of stranded) {
    try {
      await takeUp(deps, open)
    } catch (error) {
      const { sessionId, messageId } = open
      deps.logger.warn({ sessionId, messageId, err: error }, 'question not taken up')
    }
  }
}

async function takeUp(deps: ReconcileDeps, stranded: ReplyTask): Promise<void> {
  if (stranded.state === 'committed') {
    await materialiseReply(deps, stranded)
    deps.metrics.reconciled('committed')
  }
  const open = await deps.replies.findOpen(stranded.sessionId)
  if (!open) return
  // A question behind another one is not lost: it waits for its turn.
  if (stranded.state !== 'committed' && open.messageId !== stranded.messageId) return
  const { sessionId } = stranded
  await deps.queue.enqueue('answer-session', { v: 1, sessionId, requestId: deps.clock.newId() })
  if (stranded.state !== 'committed') {
    deps.metrics.reconciled(stranded.state === 'running' ? 'expired' : 'pending')
  }
}
