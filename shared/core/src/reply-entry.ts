import type { Message } from '@chatbox/contract'
import type { CommittedReply } from './ports/reply-claims.ts'

/** Builds the log entry of a committed reply, without its place. */
export function toReplyEntry(
  { reply, outcome }: CommittedReply,
  modelName: string | undefined,
): Omit<Message, 'seq'> {
  const { modelId, finishedAt, ...said } = outcome
  return {
    kind: 'text',
    attachments: [],
    // Fields of the outcome that a later version has added are passed on to the entry.
    ...said,
    id: reply.replyId,
    sessionId: reply.sessionId,
    sender: { type: 'ai', id: modelId, name: modelName ?? modelId },
    replyTo: reply.messageId,
    modelId,
    createdAt: finishedAt,
  }
}
