import type { ClientData, ClientPayload, Message, User } from '@chatbox/contract'
import {
  type Appended,
  AppError,
  checkAccess,
  type Clock,
  type MessageLog,
  type Sessions,
} from '@chatbox/core'
import { toMessageId } from '@chatbox/kit'
import type { Announcer, Viewer } from '../announcer.ts'
import { enqueueAnswer, type EnqueueDeps } from './enqueue-answer.ts'

export interface AcceptMessageDeps extends EnqueueDeps {
  sessions: Pick<Sessions, 'find'>
  messages: Pick<MessageLog, 'append'>
  announcer: Announcer
  viewer: Pick<Viewer, 'seen'>
  clock: Pick<Clock, 'now' | 'newId'>
  onAccepted(): void
  /** Runs `task` once the answer is on its way to whoever waits for it. */
  afterAnswer(task: () => void): void
}

/**
 * Puts a user's message into the log and asks for an answer to it. Answers once the message is
 * durable; the same `clientMessageId` again answers the first message and does nothing else.
 */
export async function acceptMessage(
  deps: AcceptMessageDeps,
  who: User,
  input: ClientPayload<'message:send'>,
): Promise<ClientData<'message:send'>> {
  if (input.attachments?.length) {
    throw new AppError('INVALID_FILE', 'There is no such file.')
  }
  const { sessionId } = input
  // Whose a session is never changes, and whether it goes on is for the log to decide.
  const known = deps.viewer.seen(sessionId) ?? (await deps.sessions.find(sessionId))
  checkAccess('write', who, known)
  const message: Omit<Message, 'seq'> = {
    id: toMessageId(sessionId, input.clientMessageId),
    sessionId,
    clientMessageId: input.clientMessageId,
    kind: 'text',
    sender: { type: 'user', id: who.id, name: who.name },
    content: input.content,
    attachments: [],
    status: 'complete',
    createdAt: deps.clock.now().toISOString(),
  }
  const stored = await deps.messages.append({ message, replyId: deps.clock.newId() })
  if (stored.appended) deps.afterAnswer(() => spread(deps, stored))
  return { message: stored.message }
}

function spread(deps: AcceptMessageDeps, { message, session }: Appended): void {
  enqueueAnswer(deps, session.id)
  deps.announcer.announceEntry(message, session)
  deps.onAccepted()
}
