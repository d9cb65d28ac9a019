import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import { notFound, type ChatStore, type EventBus } from '@chatbox/core'
import { findOwnSession } from './access.ts'

export interface StopReplyDeps {
  store: Pick<ChatStore, 'findSession' | 'requestStop' | 'findMessage' | 'findOpenReply'>
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
  const { id } = await findOwnSession(deps.store, who, input.sessionId)
  const stopped = await deps.store.requestStop(id, input.replyId)
  if (stopped) await deps.bus.publishStop(input.replyId)
  else if (!(await isKnownReply(deps.store, id, input.replyId))) throw notFound()
  return { stopped }
}

async function isKnownReply(
  store: StopReplyDeps['store'],
  sessionId: string,
  replyId: string,
): Promise<boolean> {
  const message = await store.findMessage(sessionId, replyId)
  if (message) return message.sender.type === 'ai'
  return (await store.findOpenReply(sessionId))?.replyId === replyId
}
