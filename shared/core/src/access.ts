import type { Session, User, Who } from '@chatbox/contract'
import { AppError, notFound } from './errors.ts'

/** See a session and be seen in it, write in it, end it. */
export type SessionAction = 'read' | 'write' | 'end'

type Owned = Pick<Session, 'userId'>

/** `user` is everybody with a good token, whatever roles it names. */
const ADMITTED: Record<Who, (user: User) => boolean> = {
  anyone: () => true,
  user: () => true,
  operator: isOperator,
  admin: isAdmin,
}

const ALLOWED: Record<SessionAction, (user: User, session: Owned) => boolean> = {
  read: isOwnerOrOperator,
  write: isOwner,
  end: isOwnerOrOperator,
}

/** Throws `FORBIDDEN` where an event or a route is not for `user`, whatever it is about. */
export function checkAdmitted(who: Who, user: User): void {
  if (!ADMITTED[who](user)) throw new AppError('FORBIDDEN', 'This needs another role.')
}

/** Whether `user` may do this to a session. Nothing else decides it. */
export function mayAccess(action: SessionAction, user: User, session: Owned): boolean {
  return ALLOWED[action](user, session)
}

/**
 * The session that was found, if `user` may do this to it. Throws `NOT_FOUND` where there is none or
 * `user` may not even see it, because the two must look alike, and otherwise `FORBIDDEN`.
 */
export function checkAccess<S extends Owned>(
  action: SessionAction,
  user: User,
  session: S | undefined,
): S {
  if (!session || !mayAccess('read', user, session)) throw notFound()
  if (!mayAccess(action, user, session)) {
    throw new AppError('FORBIDDEN', 'Only the owner of this session may do this.')
  }
  return session
}

export function isOperator(user: User): boolean {
  return user.roles.includes('chat_admin') || isAdmin(user)
}

/** As what `user` takes part in a session that they may see. */
export function toPartyType(user: User, session: Owned): 'user' | 'admin' {
  return isOwner(user, session) ? 'user' : 'admin'
}

function isAdmin(user: User): boolean {
  return user.roles.includes('admin')
}

function isOwner(user: User, session: Owned): boolean {
  return session.userId === user.id
}

function isOwnerOrOperator(user: User, session: Owned): boolean {
  return isOwner(user, session) || isOperator(user)
}
