import { LIMITS, type Session, type User } from '@chatbox/contract'
import type { ChatStore } from '@chatbox/core'

export interface ListSessionsDeps {
  store: Pick<ChatStore, 'listSessions'>
}

/** The user's own sessions, latest activity first. */
export async function listSessions(
  deps: ListSessionsDeps,
  who: User,
  input: { limit?: number | undefined; cursor?: string | undefined },
): Promise<{ items: Session[]; nextCursor: string | null }> {
  const { sessions, nextCursor } = await deps.store.listSessions(who.id, {
    limit: input.limit ?? LIMITS.historyPageDefault,
    ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
  })
  return { items: sessions, nextCursor }
}
