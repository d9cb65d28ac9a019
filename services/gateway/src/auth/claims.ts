import type { KeyObject } from 'node:crypto'
import { LIMITS, ROLES, userIdSchema, type Role } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import jwt, { type Algorithm, type JwtPayload } from 'jsonwebtoken'
import type { Identity } from '../usecases/caller.ts'

const MAX_ROLES = 32

export interface ClaimChecks {
  /** The only accepted algorithm, whatever the token says (RFC 8725, 3.1). */
  algorithm: Algorithm
  now: Date
  /** The clock difference to the issuer that is tolerated; 0 by default. */
  clockToleranceS?: number
  /** Checked only if set. */
  issuer?: string
  audience?: string
}

/**
 * Returns the claims of a token that `key` signed. Throws `TokenExpiredError` if its `exp` is over,
 * another error if anything else is wrong. The key is never passed as text because the library
 * would accept a secret that looks like a public key as one.
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
  // Unknown `crit` extensions must be rejected (RFC 7515, 4.1.11). The library ignores them.
  if ('crit' in header) throw unauthorized()
  if (typeof payload === 'string') throw unauthorized()
  if (payload.iat !== undefined && typeof payload.iat !== 'number') throw unauthorized()
  return payload
}

/** Turns claims into the user. Throws `UNAUTHORIZED` if one is missing or malformed. */
export function toIdentity(claims: Record<string, unknown>): Identity {
  const id = userIdSchema.safeParse(claims.sub ?? claims.user_id)
  const { exp } = claims
  if (!id.success || typeof exp !== 'number') throw unauthorized()
  const expiresAt = new Date(exp * 1000)
  // Dates outside JavaScript's range have no ISO form.
  if (Number.isNaN(expiresAt.getTime())) throw unauthorized()
  const user = { id: id.data, name: toName(claims.name), roles: toRoles(claims.roles) }
  const issuedAtMs = typeof claims.iat === 'number' ? claims.iat * 1000 : undefined
  return { user, issuedAtMs, expiresAt }
}

/** Reads a name, which is only displayed: a long one is cut, not rejected. */
function toName(name: unknown): string {
  if (typeof name !== 'string') return ''
  return Array.from(name.toWellFormed()).slice(0, LIMITS.nameLength).join('')
}

/**
 * Reads the roles and drops those of other systems. Rejects a malformed list. A list without a role
 * of ours says that its user is for other systems only.
 */
function toRoles(roles: unknown): Role[] {
  if (roles === undefined) return ['user']
  if (!Array.isArray(roles) || roles.length > MAX_ROLES) throw unauthorized()
  if (!roles.every((role) => typeof role === 'string')) throw unauthorized()
  const known = ROLES.filter((role) => roles.includes(role))
  if (known.length > 0) return known
  throw new AppError('FORBIDDEN', `The token has none of the roles ${ROLES.join(', ')}.`)
}

export function unauthorized(cause?: unknown): AppError {
  return new AppError('UNAUTHORIZED', 'A valid token is needed.', { cause })
}
