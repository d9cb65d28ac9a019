import type { ClientData, ClientPayload, Message, Session, User } from '@chatbox/contract'
import { AppError, checkAccess, checkActive, notFound } from '@chatbox/core'
import type { Context } from '../../context.ts'
import { enqueueAnswer } from '../message/accept-message.ts'

/** Asks a question again whose latest reply did not come whole. */
export async function retryReply(
  context: Context,
  who: User,
  input: ClientPayload<'reply:retry'>,
): Promise<ClientData<'reply:retry'>> {
  const { sessions, messages, replies, clock } = context
  const session = checkAccess('write', who, await sessions.find(input.sessionId))
  const reply = await messages.find(session.id, input.messageId)
  if (!reply) throw notFound()
  checkRetry(session, reply)
  const open = await replies.retry({
    sessionId: session.id,
    messageId: reply.id,
    replyId: clock.newId(),
    modelId: session.modelId,
    askedAt: clock.now().toISOString(),
  })
  if (!open) throw new AppError('CONFLICT', 'This is not the latest reply to its question.')
  enqueueAnswer(context, session.id)
  return { replyId: open.replyId }
}

function checkRetry(session: Session, reply: Message): void {
  checkActive(session)
  if (session.assistedBy) throw new AppError('CONFLICT', 'A person has taken over.')
  if (reply.sender.type !== 'ai' || reply.status === 'complete') {
    throw new AppError('CONFLICT', 'Only a reply that is not complete can be tried again.')
  }
}
