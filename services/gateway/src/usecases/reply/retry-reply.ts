import type { ClientData, ClientPayload, Message, Session, User } from '@chatbox/contract'
import {
  AppError,
  checkAccess,
  checkActive,
  notFound,
  type Clock,
  type MessageLog,
  type ReplyClaims,
  type Sessions,
} from '@chatbox/core'
import { enqueueAnswer, type EnqueueDeps } from '../message/enqueue-answer.ts'

export interface RetryReplyDeps extends EnqueueDeps {
  sessions: Pick<Sessions, 'find'>
  messages: Pick<MessageLog, 'find'>
  replies: Pick<ReplyClaims, 'retry'>
  clock: Pick<Clock, 'now' | 'newId'>
}

/** Asks a question again whose latest reply did not come whole. */
export async function retryReply(
  deps: RetryReplyDeps,
  who: User,
  input: ClientPayload<'reply:retry'>,
): Promise<ClientData<'reply:retry'>> {
  const session = checkAccess('write', who, await deps.sessions.find(input.sessionId))
  const reply = await deps.messages.find(session.id, input.messageId)
  if (!reply) throw notFound()
  checkRetry(session, reply)
  const open = await deps.replies.retry({
    sessionId: session.id,
    messageId: reply.id,
    replyId: deps.clock.newId(),
    modelId: session.modelId,
    askedAt: deps.clock.now().toISOString(),
  })
  if (!open) throw new AppError('CONFLICT', 'This is not the latest reply to its question.')
  enqueueAnswer(deps, session.id)
  return { replyId: open.replyId }
}

function checkRetry(session: Session, reply: Message): void {
  checkActive(session)
  if (session.assistedBy) throw new AppError('CONFLICT', 'A person has taken over.')
  if (reply.sender.type !== 'ai' || reply.status === 'complete') {
    throw new AppError('CONFLICT', 'Only a reply that is not complete can be tried again.')
  }
}
