import type { KeyObject } from 'node:crypto'
import jwt, { type Algorithm, type JwtPayload } from 'jsonwebtoken'
import { unauthorized } from './bearer-claims.ts'

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
