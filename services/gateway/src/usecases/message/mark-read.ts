import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import { AppError, checkAccess, type Sessions, toPartyType } from '@chatbox/core'
import type { PeerAnnouncer, SeenSession, Viewer } from '../announcer.ts'

export interface MarkReadDeps {
  sessions: Pick<Sessions, 'find'>
  peers: Pick<PeerAnnouncer, 'announceReceipt'>
  viewer: Pick<Viewer, 'note' | 'seen'>
}

/** Tells the other viewers how far this one has read. */
export async function markRead(
  deps: MarkReadDeps,
  who: User,
  input: ClientPayload<'message:read'>,
): Promise<ClientData<'message:read'>> {
  const session = await findRead(deps, who, input)
  if (input.seq > session.lastSeq) {
    throw new AppError('INVALID_FORMAT', 'Field "seq": lies beyond the end of the session.')
  }
  deps.peers.announceReceipt({
    sessionId: session.id,
    reader: { type: toPartyType(who, session), id: who.id },
    seq: input.seq,
  })
  return {}
}

/** An entry that was there when the session was last read is there still. */
async function findRead(
  { sessions, viewer }: MarkReadDeps,
  who: User,
  { sessionId, seq }: ClientPayload<'message:read'>,
): Promise<SeenSession> {
  const seen = viewer.seen(sessionId)
  if (seen && seq <= seen.lastSeq) return checkAccess('read', who, seen)
  const session = checkAccess('read', who, await sessions.find(sessionId))
  viewer.note(session)
  return session
}
