import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import type { ChatStore } from '@chatbox/core'
import { findVisibleSession, toPartyType } from './access.ts'
import type { PeerAnnouncer } from './announcer.ts'

export interface SetTypingDeps {
  store: Pick<ChatStore, 'findSession'>
  peers: Pick<PeerAnnouncer, 'announceTyping'>
}

/** Tells the other viewers that this one has begun, or ceased, to type. */
export async function setTyping(
  deps: SetTypingDeps,
  who: User,
  input: ClientPayload<'typing'>,
): Promise<ClientData<'typing'>> {
  const session = await findVisibleSession(deps.store, who, input.sessionId)
  deps.peers.announceTyping({
    sessionId: session.id,
    from: { type: toPartyType(who, session), id: who.id, name: who.name },
    typing: input.typing,
  })
  return {}
}
