import type { Message } from '@chatbox/contract'
import { toAppError, type Appended, type CommittedReply, type ReplyKey } from '@chatbox/core'
import type { AnswerDeps } from './answer-deps.ts'

export type MaterialiseDeps = Pick<
  AnswerDeps,
  'messages' | 'replies' | 'bus' | 'models' | 'clock' | 'logger' | 'metrics'
>

/** Puts into the log what somebody has committed, if it is not there yet. */
export async function materialiseCommitted(
  deps: MaterialiseDeps,
  question: ReplyKey,
): Promise<void> {
  const committed = await deps.replies.findCommitted(question)
  if (committed) await materialiseReply(deps, committed)
}

/**
 * Puts the committed answer of a question into the log and ends the question. Idempotent: whoever
 * finds a committed question may do it, and an answer that the log refuses by now (the session has
 * ended, a person has taken over, the session is gone) ends it without a word.
 */
export async function materialiseReply(
  deps: MaterialiseDeps,
  committed: CommittedReply,
): Promise<void> {
  const { sessionId, replyId, epoch } = committed.reply
  const appended = await appendReply(deps, committed)
  await deps.replies.settle(committed.reply, epoch, appended ? 'done' : 'cancelled')
  const published: Promise<void>[] = []
  if (appended) {
    const { message, session } = appended
    if (appended.appended) recordReply(deps, committed)
    published.push(
      deps.bus.publish(sessionId, { event: 'message:new', payload: { message } }),
      deps.bus.publish(sessionId, { event: 'session:updated', payload: { session } }),
    )
  }
  await Promise.all([...published, deps.bus.dropDraft(sessionId, replyId)])
}

/** The first entry into the log is counted, by whoever made it; a repetition is not. */
function recordReply(
  { metrics, logger }: MaterialiseDeps,
  { reply, outcome }: CommittedReply,
): void {
  const { sessionId, messageId, replyId, epoch } = reply
  const { status, modelId, usage, error } = outcome
  const durationMs = toDurationMs(reply, outcome)
  metrics.replyFinished(modelId, status, durationMs / 1000)
  logger.info(
    {
      sessionId,
      messageId,
      replyId,
      modelId,
      status,
      attempt: epoch,
      durationMs,
      usage,
      code: error?.code,
    },
    'reply finished',
  )
}

/** The clocks of two machines may disagree by more than a short reply takes. */
function toDurationMs(
  { askedAt }: CommittedReply['reply'],
  { finishedAt }: CommittedReply['outcome'],
): number {
  return Math.max(0, Date.parse(finishedAt) - Date.parse(askedAt))
}

const REFUSALS = new Set(['CONFLICT', 'SESSION_ENDED', 'NOT_FOUND'])

async function appendReply(
  deps: MaterialiseDeps,
  committed: CommittedReply,
): Promise<Appended | undefined> {
  try {
    return await deps.messages.append({
      message: toMessage(deps, committed),
      responseTimeMs: toDurationMs(committed.reply, committed.outcome),
    })
  } catch (thrown) {
    if (REFUSALS.has(toAppError(thrown).code)) return undefined
    throw thrown
  }
}

function toMessage(
  { models }: MaterialiseDeps,
  { reply, outcome }: CommittedReply,
): Omit<Message, 'seq'> {
  const { status, content, modelId, finishedAt, error, usage, ...later } = outcome
  return {
    kind: 'text',
    attachments: [],
    // What a worker of a later version put into its outcome belongs into the entry that comes of it.
    ...later,
    id: reply.replyId,
    sessionId: reply.sessionId,
    sender: { type: 'ai', id: modelId, name: models.find(modelId)?.name ?? modelId },
    content,
    replyTo: reply.messageId,
    status,
    ...(error ? { error } : {}),
    modelId,
    ...(usage ? { usage } : {}),
    createdAt: finishedAt,
  }
}
