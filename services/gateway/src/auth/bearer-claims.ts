import { LIMITS, ROLES, userIdSchema, type Role } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { Identity } from '../usecases/refresh-token.ts'

const MAX_ROLES = 32

/** The signed content of a token as who its bearer is. Throws `UNAUTHORIZED` where it says too little. */
export function toIdentity(claims: Record<string, unknown>): Identity {
  const id = userIdSchema.safeParse(claims.sub ?? claims.user_id)
  const { exp } = claims
  if (!id.success || typeof exp !== 'number') throw unauthorized()
  const expiresAt = new Date(exp * 1000)
  // A date beyond the calendar has no ISO form.
  if (Number.isNaN(expiresAt.getTime())) throw unauthorized()
  const user = { id: id.data, name: toName(claims.name), roles: toRoles(claims.roles) }
  return { user, expiresAt }
}

export function unauthorized(cause?: unknown): AppError {
  return new AppError('UNAUTHORIZED', 'A valid token is needed.', { cause })
}

/** A name is shown, nothing hangs on it: one that is too long is cut, not refused. */
function toName(name: unknown): string {
  if (typeof name !== 'string') return ''
  return Array.from(name.toWellFormed()).slice(0, LIMITS.nameLength).join('')
}

/** Roles of other systems are none of ours; a list that cannot be read is refused. */
function toRoles(roles: unknown): Role[] {
  if (roles === undefined) return ['user']
  if (!Array.isArray(roles) || roles.length > MAX_ROLES) throw unauthorized()
  if (!roles.every((role) => typeof role === 'string')) throw unauthorized()
  return ROLES.filter((role) => roles.includes(role))
}
