import {
  errorInfoSchema,
  keepUnknown,
  messageFields,
  openEnum,
  replyUsageSchema,
} from '@chatbox/contract'
import type {
  CancelledReply,
  Claim,
  CommitResult,
  CommittedReply,
  ReplyOutcome,
  ReplyTask,
  TaskState,
} from '@chatbox/core'
import { z } from 'zod'
import { openJson, type RecordDeps, sealJson, toContext } from './key-ring.ts'
import { checkFormat } from './message-record.ts'

const outcomeSchema = keepUnknown(
  messageFields.pick({ status: true, content: true }).extend({
    error: errorInfoSchema.exactOptional(),
    usage: replyUsageSchema.exactOptional(),
    modelId: messageFields.shape.id,
    finishedAt: messageFields.shape.createdAt,
  }),
)

const taskStateSchema = openEnum(
  [
    'pending',
    'running',
    'committed',
    'done',
    'cancelled',
    'unknown',
  ] as const satisfies TaskState[],
  'unknown',
)

/** How long a committed reply is left to the worker that committed it. */
export const SETTLE_MS = 1000

/** Throws `INVALID_FORMAT` for an outcome that could not enter the log. */
export function sealOutcome(deps: RecordDeps, claim: Claim, outcome: ReplyOutcome): string {
  checkFormat(outcomeSchema, outcome)
  return sealJson(deps, outcome, toReplyContext(claim))
}

/**
 * Converts an outcome. One that cannot be decrypted counts as failed, so that its question is
 * settled.
 */
export function toCommittedReply(
  deps: RecordDeps,
  reply: ReplyTask,
  sealed: unknown,
): CommittedReply {
  const opened = outcomeSchema.safeParse(openJson(deps, sealed, toReplyContext(reply)))
  if (opened.success) return { reply, outcome: opened.data }
  const { sessionId, messageId, modelId, askedAt } = reply
  deps.hooks.onPayloadRefused('reply', { sessionId, messageId })
  const error = {
    code: 'INTERNAL',
    message: 'This message cannot be read.',
    retryable: true,
  } as const
  return { reply, outcome: { status: 'failed', content: '', modelId, finishedAt: askedAt, error } }
}

export function toCancelled({ replyId, epoch }: ReplyTask): CancelledReply {
  return { replyId, epoch }
}

/** Returns the result of a commit that changed nothing. */
export function toRefusedCommit(claim: Claim, task: ReplyTask | undefined): CommitResult {
  if (task?.epoch !== claim.epoch || task.replyId !== claim.replyId) return 'lost'
  if (task.state === 'running') return 'stop-requested'
  // This is a repeated commit: the answer to the first was lost.
  return task.state === 'committed' || task.state === 'done' ? 'committed' : 'lost'
}

/**
 * Returns the result of a repeated retry that led to `replyId`. That reply may have been replaced
 * too.
 */
export function toRepeatedRetry(task: ReplyTask, replyId: string): ReplyTask {
  return replyId === task.replyId ? task : { ...task, replyId, state: 'done' }
}

function toReplyContext({
  sessionId,
  messageId,
  epoch,
}: Pick<ReplyTask, 'sessionId' | 'messageId' | 'epoch'>): string {
  return toContext('reply', sessionId, messageId, `${epoch}`)
}

export const replyTaskSchema = z.object({
  sessionId: z.string(),
  messageId: z.string(),
  questionSeq: z.int(),
  replyId: z.string(),
  modelId: z.string(),
  state: taskStateSchema,
  epoch: z.int(),
  attempts: z.int(),
  stopRequested: z.boolean(),
  askedAt: z.string(),
  // What is not understood counts for the site alone. It must not keep a question from its answer.
  payer: z
    .object({ user: z.string().exactOptional(), address: z.string().exactOptional() })
    .optional()
    .catch(undefined),
  lane: z.string().optional().catch(undefined),
})
