import { errorInfoSchema, messageSchema, usageSchema } from '@chatbox/contract'
import type { CommittedReply, OpenReply, ReplyOutcome, ReplyState } from '@chatbox/core'
import { z } from 'zod'
import { toContext } from '../crypto/key-ring.ts'
import { checkFormat } from './message-record.ts'
import { openJson, sealJson, type RecordDeps } from './record-deps.ts'

const outcomeSchema = messageSchema.pick({ status: true, content: true }).extend({
  error: errorInfoSchema.exactOptional(),
  usage: usageSchema.exactOptional(),
  modelId: messageSchema.shape.id,
  finishedAt: messageSchema.shape.createdAt,
})

export const REPLY_STATES = [
  'pending',
  'running',
  'committed',
  'done',
  'cancelled',
] as const satisfies readonly ReplyState[]

export type StoredReply = Omit<OpenReply, 'state'> & { state: ReplyState }

/** Throws `INVALID_FORMAT` for an outcome that could not enter the log. */
export function sealOutcome(
  deps: RecordDeps,
  claim: Pick<OpenReply, 'sessionId' | 'messageId' | 'epoch'>,
  outcome: ReplyOutcome,
): string {
  checkFormat(outcomeSchema, outcome)
  return sealJson(deps, outcome, toReplyContext(claim))
}

/** An outcome that cannot be opened is a failed one: its question is settled all the same. */
export function toCommittedReply(
  deps: RecordDeps,
  stored: StoredReply,
  sealed: unknown,
): CommittedReply {
  const reply = toOpenReply(stored)
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

/** A settled one counts as committed: nothing is left to be made. */
export function toOpenReply(stored: StoredReply): OpenReply {
  const { state } = stored
  return { ...stored, state: state === 'done' || state === 'cancelled' ? 'committed' : state }
}

/** What a retry answers that was asked for before, and led to `replyId`. */
export function toRepeatedRetry(stored: StoredReply, replyId: string): OpenReply {
  const reply = toOpenReply(stored)
  return replyId === reply.replyId ? reply : { ...reply, replyId, state: 'committed' }
}

function toReplyContext({
  sessionId,
  messageId,
  epoch,
}: Pick<OpenReply, 'sessionId' | 'messageId' | 'epoch'>): string {
  return toContext('reply', sessionId, messageId, `${epoch}`)
}

export const storedReplySchema = z.object({
  sessionId: z.string(),
  messageId: z.string(),
  questionSeq: z.int(),
  replyId: z.string(),
  modelId: z.string(),
  state: z.enum(REPLY_STATES),
  epoch: z.int(),
  stopRequested: z.boolean(),
  askedAt: z.string(),
})
