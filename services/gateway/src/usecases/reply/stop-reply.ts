import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import {
  checkAccess,
  type EventBus,
  type MessageLog,
  notFound,
  type ReplyClaims,
  type Sessions,
} from '@chatbox/core'

export interface StopReplyDeps {
  sessions: Pick<Sessions, 'find'>
  messages: Pick<MessageLog, 'find'>
  replies: Pick<ReplyClaims, 'requestStop' | 'findOpen'>
  bus: Pick<EventBus, 'publishStop'>
}

/**
 * Asks for the end of a reply that is being made. The wish is stored first: a worker that misses
 * the call on the bus finds it with its next write. False for a reply that has ended by itself.
 */
export async function stopReply(
  deps: StopReplyDeps,
  who: User,
  input: ClientPayload<'reply:stop'>,
): Promise<ClientData<'reply:stop'>> {
  const { id } = checkAccess('write', who, await deps.sessions.find(input.sessionId))
  const stopped = await deps.replies.requestStop(id, input.replyId)
  if (stopped) await deps.bus.publishStop(input.replyId)
  else if (!(await isKnownReply(deps, id, input.replyId))) throw notFound()
  return { stopped }
}

async function isKnownReply(
  { messages, replies }: StopReplyDeps,
  sessionId: string,
  replyId: string,
): Promise<boolean> {
  const message = await messages.find(sessionId, replyId)
  if (message) return message.sender.type === 'ai'
  return (await replies.findOpen(sessionId))?.replyId === replyId
}
