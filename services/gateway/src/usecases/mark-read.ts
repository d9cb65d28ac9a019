import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import { AppError, type ChatStore } from '@chatbox/core'
import { findVisibleSession, toPartyType } from './access.ts'
import type { PeerAnnouncer } from './announcer.ts'

export interface MarkReadDeps {
  store: Pick<ChatStore, 'findSession'>
  peers: Pick<PeerAnnouncer, 'announceReceipt'>
}

/** Tells the other viewers how far this one has read. */
export async function markRead(
  deps: MarkReadDeps,
  who: User,
  input: ClientPayload<'message:read'>,
): Promise<ClientData<'message:read'>> {
  const session = await findVisibleSession(deps.store, who, input.sessionId)
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
