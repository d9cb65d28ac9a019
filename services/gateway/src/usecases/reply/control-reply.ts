import type { ClientData, ClientPayload, Message, Session, User } from '@chatbox/contract'
import { AppError, checkActive, notFound } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { checkSession } from '../check-session.ts'
import { enqueueAnswer } from '../message/accept-message.ts'
import { checkLine } from '../message/check-line.ts'
import { settleQuestions } from './settle-questions.ts'

/**
 * Asks a worker to stop a running reply. The request is stored first: a worker that misses the
 * event on the bus finds the request with its next write. Returns false if the reply has ended by
 * itself.
 */
export async function stopReply(
  context: Context,
  who: User,
  input: ClientPayload<'reply:stop'>,
): Promise<ClientData<'reply:stop'>> {
  const { id } = await checkSession(context, 'write', {
    who,
    session: await context.sessions.find(input.sessionId),
  })
  const stopped = await context.replies.requestStop(id, input.replyId)
  if (stopped) await context.bus.publishStop(input.replyId)
  else if (!(await isKnownReply(context, id, input.replyId))) throw notFound()
  return { stopped }
}

async function isKnownReply(
  { messages, replies }: Context,
  sessionId: string,
  replyId: string,
): Promise<boolean> {
  const message = await messages.find(sessionId, replyId)
  if (message) return message.sender.type === 'ai'
  return (await replies.findOpen(sessionId))?.replyId === replyId
}

/** Asks a question again if its latest reply is incomplete. */
export async function retryReply(
  context: Context,
  { user, payer, lane }: Pick<Caller, 'user' | 'payer' | 'lane'>,
  input: ClientPayload<'reply:retry'>,
): Promise<ClientData<'reply:retry'>> {
  const { sessions, messages, replies, clock } = context
  const session = await checkSession(context, 'write', {
    who: user,
    session: await sessions.find(input.sessionId),
  })
  const reply = await messages.find(session.id, input.messageId)
  if (!reply) throw notFound()
  checkRetry(session, reply)
  const spent = await context.budgets.findSpent(payer).catch(() => undefined)
  if (spent) throw context.budgets.refuse(spent, { retryable: false })
  checkLine(context, { user, lane })
  const open = await replies.retry({
    sessionId: session.id,
    messageId: reply.id,
    replyId: clock.newId(),
    modelId: session.modelId,
    askedAt: clock.now().toISOString(),
    payer,
    lane,
  })
  if (!open) throw new AppError('CONFLICT', 'This is not the latest reply to its question.')
  await checkStillWanted(context, session.id)
  enqueueAnswer(context, session.id, lane)
  return { replyId: open.replyId }
}

/** A takeover or an end that was faster has not seen this question, so it is settled here. */
async function checkStillWanted(context: Context, sessionId: string): Promise<void> {
  const session = await context.sessions.find(sessionId)
  if (session?.status === 'active' && !session.assistedBy) return
  await settleQuestions(context, sessionId, session?.lastSeq ?? 'all')
  if (session) checkActive(session)
  throw personIsHere()
}

function personIsHere(): AppError {
  return new AppError('CONFLICT', 'A person has taken over.')
}

function checkRetry(session: Session, reply: Message): void {
  checkActive(session)
  if (session.assistedBy) throw personIsHere()
  if (reply.sender.type !== 'ai' || reply.status === 'complete') {
    throw new AppError('CONFLICT', 'Only an incomplete reply can be retried.')
  }
}
