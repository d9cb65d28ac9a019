import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import { checkAccess, notFound } from '@chatbox/core'
import type { Context } from '../../context.ts'

/**
 * Asks for the end of a reply that is being made. The wish is stored first: a worker that misses
 * the call on the bus finds it with its next write. False for a reply that has ended by itself.
 */
export async function stopReply(
  context: Context,
  who: User,
  input: ClientPayload<'reply:stop'>,
): Promise<ClientData<'reply:stop'>> {
  const { id } = checkAccess('write', who, await context.sessions.find(input.sessionId))
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
