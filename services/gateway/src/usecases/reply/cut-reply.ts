import type { Usage } from '@chatbox/contract'
import {
  AppError,
  toReplyEntry,
  type CommittedReply,
  type ReplyOutcome,
  type ReplyTask,
} from '@chatbox/core'
import type { Context } from '../../context.ts'

/** A worker may begin another attempt in between. More than a few would be another fault. */
const MAX_TRIES = 3

/**
 * Ends the reply that is being written in a session, and puts what its readers have seen into the
 * log as `stopped`, so that it is before whatever is appended next. The worker that writes it may
 * write nothing more: its draft and its claim are fenced here, and it is told to stop. A reply
 * without a word is left to whoever settles the questions.
 */
export async function cutReply(context: Context, sessionId: string): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const open = await context.replies.findOpen(sessionId)
    if (open?.state === 'committed') {
      const committed = await context.replies.findCommitted(open)
      if (committed) await append(context, committed)
      return
    }
    const outcome = open?.state === 'running' ? await toStopped(context, open) : undefined
    if (!open || !outcome) return
    const cut = await context.replies.interrupt(open, outcome)
    if (!cut) continue
    context.metrics.replyCut()
    await Promise.all([append(context, cut), context.bus.publishStop(open.replyId)])
    return
  }
}

const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0, totalTokens: 0 }

async function toStopped(
  { bus, clock }: Context,
  { sessionId, replyId, epoch, modelId, attempts }: ReplyTask,
): Promise<ReplyOutcome | undefined> {
  // From here on its readers see no more than what the log will keep.
  const draft = await bus.takeDraft({ sessionId, replyId, attempt: epoch })
  if (!draft || draft.text === '') return undefined
  const finishedAt = clock.now().toISOString()
  // Its worker reports to nobody any more what the attempt used.
  const usage = { ...NO_USAGE, unknownAttempts: Math.max(1, attempts) }
  return { status: 'stopped', content: draft.text, modelId, finishedAt, usage }
}

/**
 * A worker that finds the committed reply does the same, so nothing is lost if this dies. A log
 * that takes no reply any more has ended, or belongs to another operator already: whoever appends
 * next is told.
 */
async function append(context: Context, committed: CommittedReply): Promise<void> {
  const { reply, outcome } = committed
  const { sessionId, replyId, epoch } = reply
  const name = context.options.models.find(({ id }) => id === outcome.modelId)?.name
  const isDone = await appendIfWanted(context, {
    message: toReplyEntry(committed, name),
    ...(outcome.status === 'complete' ? { responseTimeMs: toDurationMs(committed) } : {}),
  })
  await context.replies.settle(reply, epoch, isDone ? 'done' : 'cancelled')
  await context.bus.dropDraft({ sessionId, replyId, attempt: epoch })
}

async function appendIfWanted(
  context: Context,
  entry: Parameters<Context['messages']['append']>[0],
): Promise<boolean> {
  try {
    const { appended, message, session } = await context.messages.append(entry)
    if (appended) context.announceEntry(message, session)
    return true
  } catch (error) {
    if (error instanceof AppError && REFUSALS.has(error.code)) return false
    throw error
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['CONFLICT', 'SESSION_ENDED'])

/** Two machines' clocks may differ by more than the duration of a short reply. */
function toDurationMs({ reply, outcome }: CommittedReply): number {
  return Math.max(0, Date.parse(outcome.finishedAt) - Date.parse(reply.askedAt))
}
