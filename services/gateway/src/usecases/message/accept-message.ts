import type { ClientData, ClientPayload, Message } from '@chatbox/contract'
import { type Appended, AppError } from '@chatbox/core'
import { currentRequestId, toMessageId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { checkSession } from '../check-session.ts'
import { checkBudget } from './check-budget.ts'
import { checkLineOf } from './check-line.ts'

/**
 * Appends a message to the log, and requests an answer if it is its user's and no person has taken
 * over. An operator who has not taken over gets `FORBIDDEN`. Returns once the message is durable.
 * A repeated `clientMessageId` returns the first message and does nothing else.
 */
export async function acceptMessage(
  context: Context,
  { user, viewer, payer, lane }: Pick<Caller, 'user' | 'viewer' | 'payer' | 'lane'>,
  input: ClientPayload<'message:send'>,
): Promise<ClientData<'message:send'>> {
  if (input.attachments?.length) {
    throw new AppError('INVALID_FILE', 'File not found.')
  }
  const { sessionId } = input
  // The owner of a session never changes, and the log checks whether the session is still active.
  const known = viewer.seen(sessionId) ?? (await context.sessions.find(sessionId))
  const isOwn = known?.userId === user.id
  await checkSession(context, isOwn ? 'write' : 'assist', { who: user, session: known })
  const id = toMessageId(sessionId, input.clientMessageId)
  if (isOwn) {
    await checkBudget(context, payer, { sessionId, messageId: id })
    await checkLineOf(context, { user, lane }, { sessionId, messageId: id })
  }
  const message: Omit<Message, 'seq'> = {
    id,
    sessionId,
    clientMessageId: input.clientMessageId,
    kind: 'text',
    sender: { type: isOwn ? 'user' : 'admin', id: user.id, name: user.name },
    content: input.content,
    attachments: [],
    status: 'complete',
    createdAt: context.clock.now().toISOString(),
  }
  const question = isOwn ? { replyId: context.clock.newId(), payer, lane } : {}
  const stored = await context.messages.append({ message, ...question })
  // The acknowledgement is sent first, because no sender has to wait for what follows.
  if (stored.appended) context.work.runAfterAnswer(() => publish(context, stored, lane))
  return { message: stored.message }
}

function publish(context: Context, { message, session }: Appended, lane: string): void {
  if (!session.assistedBy) enqueueAnswer(context, session.id, lane)
  context.announceEntry(message, session)
  context.metrics.messageAccepted()
}

/**
 * Tells the workers that a question waits in the session. The queue is not awaited: the question is
 * durable, and the reconciler finds it without a job.
 */
export function enqueueAnswer(
  { queue, clock, logger }: Context,
  sessionId: string,
  lane: string,
): void {
  const requestId = currentRequestId() ?? clock.newId()
  queue
    .enqueue('answer-session', { v: 1, sessionId, requestId, lane })
    .catch((error: unknown) => logger.warn({ err: error }, 'job not enqueued'))
}
