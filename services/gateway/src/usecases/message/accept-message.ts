import type { ClientData, ClientPayload, Message } from '@chatbox/contract'
import { type Appended, AppError, checkAccess } from '@chatbox/core'
import { currentRequestId, toMessageId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'

/**
 * Puts a user's message into the log and asks for an answer to it. Answers once the message is
 * durable; the same `clientMessageId` again answers the first message and does nothing else.
 */
export async function acceptMessage(
  context: Context,
  { user, viewer }: Caller,
  input: ClientPayload<'message:send'>,
): Promise<ClientData<'message:send'>> {
  if (input.attachments?.length) {
    throw new AppError('INVALID_FILE', 'There is no such file.')
  }
  const { sessionId } = input
  // Whose a session is never changes, and whether it goes on is for the log to decide.
  const known = viewer.seen(sessionId) ?? (await context.sessions.find(sessionId))
  checkAccess('write', user, known)
  const message: Omit<Message, 'seq'> = {
    id: toMessageId(sessionId, input.clientMessageId),
    sessionId,
    clientMessageId: input.clientMessageId,
    kind: 'text',
    sender: { type: 'user', id: user.id, name: user.name },
    content: input.content,
    attachments: [],
    status: 'complete',
    createdAt: context.clock.now().toISOString(),
  }
  const stored = await context.messages.append({ message, replyId: context.clock.newId() })
  // The acknowledgement goes out first: nobody has to wait for what follows from a stored message.
  if (stored.appended) context.work.runAfterAnswer(() => publish(context, stored))
  return { message: stored.message }
}

function publish(context: Context, { message, session }: Appended): void {
  enqueueAnswer(context, session.id)
  context.announceEntry(message, session)
  context.metrics.messageAccepted()
}

/**
 * Hints to the workers that a question waits in the session. Nobody waits for the queue: the question
 * is durable, and the reconciler finds it without a job too.
 */
export function enqueueAnswer({ queue, clock, logger }: Context, sessionId: string): void {
  const requestId = currentRequestId() ?? clock.newId()
  queue
    .enqueue('answer-session', { v: 1, sessionId, requestId })
    .catch((error: unknown) => logger.warn({ err: error }, 'job not enqueued'))
}
