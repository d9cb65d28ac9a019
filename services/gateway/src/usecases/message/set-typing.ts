import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import { checkAccess, type Sessions, toPartyType } from '@chatbox/core'
import type { PeerAnnouncer, Viewer } from '../announcer.ts'

export interface SetTypingDeps {
  sessions: Pick<Sessions, 'find'>
  peers: Pick<PeerAnnouncer, 'announceTyping'>
  viewer: Pick<Viewer, 'seen'>
}

/** Tells the other viewers that this one has begun, or ceased, to type. */
export async function setTyping(
  deps: SetTypingDeps,
  who: User,
  input: ClientPayload<'typing'>,
): Promise<ClientData<'typing'>> {
  const { sessionId } = input
  // Who has the session open was let in; a read of the store would cost more than all the rest.
  const seen = deps.viewer.seen(sessionId) ?? (await deps.sessions.find(sessionId))
  const session = checkAccess('read', who, seen)
  deps.peers.announceTyping({
    sessionId: session.id,
    from: { type: toPartyType(who, session), id: who.id, name: who.name },
    typing: input.typing,
  })
  return {}
}
