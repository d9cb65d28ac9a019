import { LIMITS, type Session, type User } from '@chatbox/contract'
import type { Sessions } from '@chatbox/core'

/** The user's own sessions, latest activity first. */
export async function listSessions(
  sessions: Pick<Sessions, 'list'>,
  who: User,
  input: { limit?: number | undefined; cursor?: string | undefined },
): Promise<{ items: Session[]; nextCursor: string | null }> {
  const page = await sessions.list(who.id, {
    limit: input.limit ?? LIMITS.historyPageDefault,
    ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
  })
  return { items: page.sessions, nextCursor: page.nextCursor }
}
