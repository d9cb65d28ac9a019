import type { Session, User } from '@chatbox/contract'
import { AppError, notFound, type Sessions } from '@chatbox/core'

type SessionFinder = Pick<Sessions, 'find'>

export function isOperator(user: User): boolean {
  return user.roles.some((role) => role === 'chat_admin' || role === 'admin')
}

/** Their own, or any for an operator. */
export function isVisible(session: Pick<Session, 'userId'>, user: User): boolean {
  return session.userId === user.id || isOperator(user)
}

/** A session that `user` may see. */
export async function findVisibleSession(
  sessions: SessionFinder,
  user: User,
  sessionId: string,
): Promise<Session> {
  const session = await sessions.find(sessionId)
  if (!session || !isVisible(session, user)) throw notFound()
  return session
}

/** A session that `user` may write in. An operator who may see it learns that writing is refused. */
export async function findOwnSession(
  sessions: SessionFinder,
  user: User,
  sessionId: string,
): Promise<Session> {
  const session = await findVisibleSession(sessions, user, sessionId)
  if (session.userId !== user.id) {
    throw new AppError('FORBIDDEN', 'Only the owner of this session may do this.')
  }
  return session
}

export function checkActive(session: Session): void {
  if (session.status === 'ended') throw new AppError('SESSION_ENDED', 'This session has ended.')
}

/** As what `user` takes part in `session`. */
export function toPartyType(user: User, session: Pick<Session, 'userId'>): 'user' | 'admin' {
  return session.userId === user.id ? 'user' : 'admin'
}
