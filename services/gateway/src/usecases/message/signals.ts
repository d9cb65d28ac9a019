import type { ClientData, ClientPayload } from '@chatbox/contract'
import { AppError, checkAccess, toPartyType } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { Caller, SeenSession } from '../caller.ts'

/** Tells the other viewers that this user has started or stopped typing. */
export async function setTyping(
  { sessions }: Context,
  caller: Caller,
  { sessionId, typing }: ClientPayload<'typing'>,
): Promise<ClientData<'typing'>> {
  const who = caller.user
  // An open session has been checked, and a read of the store would cost more than the rest.
  const seen = caller.viewer.seen(sessionId) ?? (await sessions.find(sessionId))
  const session = checkAccess('read', who, seen)
  const from = { type: toPartyType(who, session), id: who.id, name: who.name }
  caller.announceTyping({ sessionId, from, typing })
  return {}
}

/** Tells the other viewers how far this user has read. */
export async function markRead(
  context: Context,
  caller: Caller,
  input: ClientPayload<'message:read'>,
): Promise<ClientData<'message:read'>> {
  const { sessionId, seq } = input
  const session = await findRead(context, caller, input)
  if (seq > session.lastSeq) {
    throw new AppError('INVALID_FORMAT', 'Field "seq": is beyond the end of the session.')
  }
  const reader = { type: toPartyType(caller.user, session), id: caller.user.id }
  caller.announceReceipt({ sessionId, reader, seq })
  return {}
}

/** Finds a session that reaches `seq`. An old read is enough because logs only grow. */
async function findRead(
  { sessions }: Context,
  { user, viewer }: Caller,
  { sessionId, seq }: ClientPayload<'message:read'>,
): Promise<SeenSession> {
  const seen = viewer.seen(sessionId)
  if (seen && seq <= seen.lastSeq) return checkAccess('read', user, seen)
  const session = checkAccess('read', user, await sessions.find(sessionId))
  viewer.note(session)
  return session
}
