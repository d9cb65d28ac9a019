import type { Session, User, Who } from '@chatbox/contract'
import { AppError, notFound } from './errors.ts'

/**
 * `read` means to see a session and to be seen in it, for example as typing; `write` to use it as
 * its user; `assist` to take it over and to write in it as a person of the support team.
 */
export type SessionAction = 'read' | 'write' | 'assist' | 'end'

type Owned = Pick<Session, 'userId'>

/** `user` includes every valid token: one without a role of ours is none. */
const ADMITTED: Record<Who, (user: User) => boolean> = {
  anyone: () => true,
  user: () => true,
  operator: isOperator,
  admin: isAdmin,
}

const ALLOWED: Record<SessionAction, (user: User, session: Owned) => boolean> = {
  read: isOwnerOrOperator,
  write: isOwner,
  assist: isOperator,
  end: isOwnerOrOperator,
}

/** Throws `FORBIDDEN` if `user` may not use this event or route at all. */
export function checkAdmitted(who: Who, user: User): void {
  if (!ADMITTED[who](user)) throw new AppError('FORBIDDEN', 'This needs another role.')
}

/** Returns whether `user` may do this to a session. This is the only place that decides it. */
export function mayAccess(action: SessionAction, user: User, session: Owned): boolean {
  return ALLOWED[action](user, session)
}

/**
 * Returns the session if `user` may do this to it. Throws `NOT_FOUND` if it does not exist or
 * `user` may not see it, because the two must look the same. Otherwise throws `FORBIDDEN`.
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

/** Returns the role in which `user` takes part in a session that they may see. */
export function toPartyType(user: User, session: Owned): 'user' | 'admin' {
  return isOwner(user, session) ? 'user' : 'admin'
}

export function isAdmin(user: User): boolean {
  return user.roles.includes('admin')
}

function isOwner(user: User, session: Owned): boolean {
  return session.userId === user.id
}

function isOwnerOrOperator(user: User, session: Owned): boolean {
  return isOwner(user, session) || isOperator(user)
}

/** What the ids of visitors begin with. The gateway makes them, not the site. */
export const VISITOR_PREFIX = 'visitor:'

/** What the ids of operators begin with who signed in here and not at the site. */
export const OPERATOR_PREFIX = 'operator:'

/** Returns whether anybody could have become this user without the site. */
export function isVisitorId(userId: string): boolean {
  return userId.startsWith(VISITOR_PREFIX)
}
