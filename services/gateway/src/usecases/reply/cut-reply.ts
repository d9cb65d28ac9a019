import { toReplyEntry, type CommittedReply, type ReplyOutcome, type ReplyTask } from '@chatbox/core'
import type { Context } from '../../context.ts'

/** A worker may begin another attempt in between. More than a few would be another fault. */
const MAX_TRIES = 3

/**
 * Ends the reply that is being written in a session, and puts what its readers have seen into the
 * log as `stopped`, so that it is before whatever is appended next. The worker that writes it may
 * write nothing more: its claim and its draft are fenced here, and it is told to stop. A reply
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
    await Promise.all([append(context, cut), context.bus.publishStop(open.replyId)])
    return
  }
}

async function toStopped(
  { bus, clock }: Context,
  { sessionId, replyId, modelId }: ReplyTask,
): Promise<ReplyOutcome | undefined> {
  const draft = await bus.readDraft(sessionId, replyId)
  if (!draft || draft.text === '') return undefined
  const finishedAt = clock.now().toISOString()
  return { status: 'stopped', content: draft.text, modelId, finishedAt }
}

/** A worker that finds the committed reply does the same, so nothing is lost if this dies. */
async function append(context: Context, committed: CommittedReply): Promise<void> {
  const { replies, messages, bus, options } = context
  const { reply, outcome } = committed
  await bus.dropDraft(reply.sessionId, reply.replyId)
  const name = options.models.find(({ id }) => id === outcome.modelId)?.name
  const appended = await messages.append({ message: toReplyEntry(committed, name) })
  await replies.settle(reply, reply.epoch, 'done')
  if (appended.appended) context.announceEntry(appended.message, appended.session)
}
