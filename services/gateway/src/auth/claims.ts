import type { KeyObject } from 'node:crypto'
import { LIMITS, ROLES, userIdSchema, type Role } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import jwt, { type Algorithm, type JwtPayload } from 'jsonwebtoken'
import type { Identity } from '../usecases/caller.ts'

const MAX_ROLES = 32

export interface ClaimChecks {
  /** The only one that is taken, whatever the token says (RFC 8725, 3.1). */
  algorithm: Algorithm
  now: Date
  /** How far the clocks of the issuer and of this machine may be apart; none unless given. */
  clockToleranceS?: number
  /** Not checked unless given. */
  issuer?: string
  audience?: string
}

/**
 * The claims of a token that `key` signed, unless it has an `exp` that is over. Throws
 * `TokenExpiredError` for that, else any error. A key is never text: the library would take a secret
 * that looks like a public key for one.
 */
export function readSignedClaims(token: string, key: KeyObject, checks: ClaimChecks): JwtPayload {
  const { algorithm, now, clockToleranceS, ...expected } = checks
  const { header, payload } = jwt.verify(token, key, {
    ...expected,
    algorithms: [algorithm],
    clockTimestamp: Math.floor(now.getTime() / 1000),
    clockTolerance: clockToleranceS ?? 0,
    complete: true,
  })
  // What `crit` lists has to be understood (RFC 7515, 4.1.11). The library ignores it.
  if ('crit' in header) throw unauthorized()
  if (typeof payload === 'string') throw unauthorized()
  if (payload.iat !== undefined && typeof payload.iat !== 'number') throw unauthorized()
  return payload
}

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

export function unauthorized(cause?: unknown): AppError {
  return new AppError('UNAUTHORIZED', 'A valid token is needed.', { cause })
}
