import {
  toAppError,
  toErrorInfo,
  toReplyEntry,
  type Appended,
  type CommittedReply,
  type NewEntry,
  type ReplyKey,
  type ReplyOutcome,
  type ReplyTask,
} from '@chatbox/core'
import type { Context } from '../context.ts'

/** Appends the committed reply to a question to the log if it is not there yet. */
export async function appendCommitted(context: Context, question: ReplyKey): Promise<void> {
  const committed = await context.replies.findCommitted(question)
  if (committed) await appendReply(context, committed)
}

/**
 * Appends a committed reply to the log and settles its question. Idempotent: any worker that finds
 * a committed question may do it. A reply that the log no longer accepts is dropped silently: the
 * session has ended or is gone, or a person has taken over. A reply that can never be stored as it
 * is enters the log as failed, because another try would end in the same way.
 */
export async function appendReply(context: Context, committed: CommittedReply): Promise<void> {
  const { reply, outcome } = committed
  const { sessionId, replyId, epoch } = reply
  const { result: appended, outcome: written } = await writeOrFail(context, committed, (said) =>
    appendIfAllowed(context, {
      message: toReplyEntry({ reply, outcome: said }, context.models.find(said.modelId)?.name),
      responseTimeMs: toDurationMs(reply.askedAt, outcome.finishedAt),
    }),
  )
  await context.replies.settle(reply, epoch, appended ? 'done' : 'cancelled')
  // Only the worker that created the entry counts it.
  if (appended?.appended) recordReply(context, { reply, outcome: written })
  await Promise.all([
    appended && publishAppended(context, appended),
    context.bus.dropDraft({ sessionId, replyId, attempt: epoch }),
  ])
}

const REFUSALS = new Set(['CONFLICT', 'SESSION_ENDED', 'NOT_FOUND'])

/** Returns undefined if the session accepts no entry of this kind in its present state. */
export async function appendIfAllowed(
  { messages }: Context,
  entry: NewEntry,
): Promise<Appended | undefined> {
  try {
    return await messages.append(entry)
  } catch (thrown) {
    if (REFUSALS.has(toAppError(thrown).code)) return undefined
    throw thrown
  }
}

export async function publishAppended(
  { bus }: Context,
  { message, session }: Appended,
): Promise<void> {
  await Promise.all([
    bus.publish(session.id, { event: 'message:new', payload: { message } }),
    bus.publish(session.id, { event: 'session:updated', payload: { session } }),
  ])
}

function recordReply({ metrics, logger }: Context, { reply, outcome }: CommittedReply): void {
  const { sessionId, messageId, replyId, epoch: attempt } = reply
  const { status, modelId, usage, error } = outcome
  const durationMs = toDurationMs(reply.askedAt, outcome.finishedAt)
  metrics.replyFinished(modelId, status, durationMs / 1000)
  const ids = { sessionId, messageId, replyId, modelId }
  logger.info({ ...ids, status, attempt, durationMs, usage, code: error?.code }, 'reply finished')
}

/** Two machines' clocks may differ by more than the duration of a short reply. */
function toDurationMs(askedAt: string, finishedAt: string): number {
  return Math.max(0, Date.parse(finishedAt) - Date.parse(askedAt))
}

interface Unwritten {
  reply: Pick<ReplyTask, 'sessionId' | 'replyId'>
  outcome: ReplyOutcome
}

interface Written<T> {
  result: T
  /** What was written: the reply, or its failure. */
  outcome: ReplyOutcome
}

/**
 * Writes a reply. If the store cannot take it as it is (`INVALID_FORMAT`), writes that the reply has
 * failed, without anything that came from the provider. The same reply would be refused for ever,
 * and each new one would be paid for.
 */
export async function writeOrFail<T>(
  { logger }: Context,
  { reply, outcome }: Unwritten,
  write: (outcome: ReplyOutcome) => Promise<T>,
): Promise<Written<T>> {
  try {
    return { result: await write(outcome), outcome }
  } catch (thrown) {
    const error = toAppError(thrown)
    if (error.code !== 'INVALID_FORMAT') throw thrown
    const { sessionId, replyId } = reply
    logger.warn({ sessionId, replyId, err: error }, 'reply cannot be stored as it is')
    const failed = toFailed(outcome)
    return { result: await write(failed), outcome: failed }
  }
}

function toFailed({ modelId, finishedAt, error }: ReplyOutcome): ReplyOutcome {
  const info = toErrorInfo(toAppError('a reply that cannot be stored'), error?.requestId)
  return { status: 'failed', content: '', modelId, finishedAt, error: info }
}
