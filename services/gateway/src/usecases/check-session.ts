import type { User } from '@chatbox/contract'
import { checkAccess, mayAccess, type SessionAction } from '@chatbox/core'
import type { SecurityEventKind } from '@chatbox/kit'
import type { Context } from '../context.ts'

interface Owned {
  id: string
  userId: string
}

/** `signal` is allowed like `read` and shows nothing of the session. */
type SessionUse = SessionAction | 'signal'

/** The events of operators in sessions of others. */
const OPERATOR_EVENTS: Partial<Record<SessionUse, SecurityEventKind>> = {
  read: 'operator-read',
  end: 'operator-ended',
  assist: 'operator-assisted',
}

/**
 * Returns the session if `who` may do this to it, and throws like `checkAccess` of core. Notes who
 * tried the id of another's session, and each operator who reads, ends or assists one. Notes in the
 * audit log, before this resolves, who is let in to another's.
 */
export async function checkSession<S extends Owned>(
  { security, trail }: Pick<Context, 'security' | 'trail'>,
  use: SessionUse,
  { who, session }: { who: User; session: S | undefined },
): Promise<S> {
  if (session && !mayAccess('read', who, session)) security.note('foreign-id', { userId: who.id })
  const found = checkAccess(use === 'signal' ? 'read' : use, who, session)
  const kind = OPERATOR_EVENTS[use]
  if (kind !== undefined && found.userId !== who.id) security.note(kind, { userId: who.id })
  if (use !== 'signal' && found.userId !== who.id) await trail.noteSession(who, found.id)
  return found
}
