import type { KeyObject } from 'node:crypto'
import type { User } from '@chatbox/contract'
import type { Clock } from '@chatbox/core'
import jwt from 'jsonwebtoken'
import type { Identity } from '../../usecases/caller.ts'
import { readSignedClaims, toIdentity, unauthorized } from '../claims.ts'
import type { OperatorList } from './operator-list.ts'

/** Operators who sign in here have an issuer with its own key, as visitors do. */
export const OPERATOR_ISSUER = 'chatbox-operators'
const TOKEN_TTL_S = 15 * 60

/** Somebody who signed in here. `isListed`: the list of the settings says their role, at any time. */
type Operator = User & { isListed: boolean }

export interface OperatorTokens {
  /** Issues a token that counts as issued after `afterMs`, which may be some seconds ahead. */
  issueToken(operator: Operator, afterMs: number): { token: string; expiresAt: Date }
  /** Throws `UNAUTHORIZED` for another token, and for that of a listed operator who is none now. */
  readToken(token: string): Identity
}

/**
 * The key follows from the first encryption key, because an installation under `JWKS_URL` has no
 * other secret that all its processes share.
 */
export function createOperatorTokens(
  list: OperatorList,
  { operatorTokenKey: key, clock }: { operatorTokenKey: KeyObject; clock: Pick<Clock, 'now'> },
): OperatorTokens {
  return {
    issueToken({ id, name, roles, isListed }, afterMs) {
      // In ms, so that a token can be newer than the revocation that its user has just caused.
      const iat = Math.max(clock.now().getTime(), afterMs + 1) / 1000
      const exp = Math.floor(iat) + TOKEN_TTL_S
      const claims = { sub: id, name, roles, listed: isListed, iat, exp, iss: OPERATOR_ISSUER }
      const token = jwt.sign(claims, key, { algorithm: 'HS256' })
      return { token, expiresAt: new Date(exp * 1000) }
    },
    readToken(token) {
      const checks = { algorithm: 'HS256', issuer: OPERATOR_ISSUER, now: clock.now() } as const
      const claims = readSignedClaims(token, key, checks)
      const identity = toIdentity(claims)
      if (claims.listed !== true) return identity
      const entry = list.findById(identity.user.id)
      if (!entry) throw unauthorized()
      return { ...identity, user: { ...identity.user, roles: [entry.role] } }
    },
  }
}
