import { createSecretKey, type KeyObject } from 'node:crypto'
import { LIMITS } from '@chatbox/contract'
import { AppError, isVisitorId, OPERATOR_PREFIX, type Clock } from '@chatbox/core'
import jwt from 'jsonwebtoken'
import type { Context, GatewayOptions } from '../context.ts'
import type { Identity } from '../usecases/caller.ts'
import { readSignedClaims, toIdentity, unauthorized, type ClaimChecks } from './claims.ts'
import { openKeySet } from './key-set.ts'
import { OPERATOR_ISSUER, type OperatorTokens } from './operators/operator-tokens.ts'
import { VISITOR_ISSUER, type VisitorTokens } from './visitor-tokens.ts'

/** The clock difference to the issuer that is tolerated. */
const CLOCK_SKEW_S = 10
/** A longer one cannot be taken back when its user loses a role or a machine. */
const MAX_LIFETIME_MS = 30 * 24 * 60 * 60_000

/**
 * Returns the user of a token. Rejected tokens are counted by address; beyond the limit the error
 * is `TOO_MANY_REQUESTS`. Valid tokens are never counted, so a company behind one address can
 * connect while one of its machines guesses tokens. An unreachable key set does not count either.
 * Expired tokens count apart: all the pages of an office present theirs when they wake up.
 */
export async function authenticate(
  context: Context,
  token: unknown,
  address: string,
): Promise<Identity> {
  try {
    if (typeof token !== 'string') throw unauthorized()
    return await context.verifyToken(token)
  } catch (error) {
    noteRefusal(context, error)
    const code = error instanceof AppError ? error.code : undefined
    if (code === 'TOKEN_EXPIRED') await context.guard.take('expired', address)
    else if (code !== 'UNAVAILABLE') await context.guard.take('refused', address)
    throw error
  }
}

/** Leaves out expired tokens, which an honest page presents after the sleep of its machine. */
export function noteRefusal({ security }: Pick<Context, 'security'>, error: unknown): void {
  if (error instanceof AppError && error.code === 'UNAUTHORIZED') security.note('token-refused')
}

type Algorithm = ClaimChecks['algorithm']
/** Returns the accepted algorithm of a token and its key. Throws if there is none. */
type FindKey = (header: jwt.JwtHeader) => Promise<{ algorithm: Algorithm; key: KeyObject }>

interface Issuers {
  clock: Clock
  visitors: VisitorTokens | undefined
  operators: OperatorTokens
}

type AuthOptions = Omit<GatewayOptions['auth'], 'allowVisitors'>

/** Accepts one kind of key per issuer and rejects other algorithms (RFC 8725, 3.1). */
export function createTokenVerifier(
  auth: AuthOptions,
  { clock, visitors, operators }: Issuers,
): Context['verifyToken'] {
  const findKey = createFindKey(auth)
  const expected = {
    clockToleranceS: CLOCK_SKEW_S,
    ...(auth.issuer === undefined ? {} : { issuer: auth.issuer }),
    ...(auth.audience === undefined ? {} : { audience: auth.audience }),
  }
  return async (token) => {
    if (token.length > LIMITS.tokenLength) throw unauthorized()
    try {
      const { header, payload } = decode(token)
      if (visitors && typeof payload !== 'string' && payload.iss === VISITOR_ISSUER) {
        return toIdentity(await visitors.readToken(token))
      }
      if (typeof payload !== 'string' && payload.iss === OPERATOR_ISSUER) {
        return operators.readToken(token)
      }
      const { algorithm, key } = await findKey(header)
      const checks = { ...expected, algorithm, now: clock.now() }
      return checkForeign(toIdentity(readSignedClaims(token, key, checks)), checks.now)
    } catch (error) {
      throw toTokenError(error)
    }
  }
}

/** Refuses what only we may say of our own visitors, operators and events, and a token without end. */
function checkForeign(identity: Identity, now: Date): Identity {
  const { user, expiresAt } = identity
  const isOurs = isVisitorId(user.id) || user.id.startsWith(OPERATOR_PREFIX)
  if (isOurs || user.id === 'system') throw unauthorized()
  if (expiresAt.getTime() - now.getTime() > MAX_LIFETIME_MS) throw unauthorized()
  return identity
}

function createFindKey({ jwtSecret, jwksUrl }: AuthOptions): FindKey {
  if (jwtSecret !== undefined && jwksUrl === undefined) {
    const key = createSecretKey(jwtSecret, 'utf8')
    return async () => ({ algorithm: 'HS256', key })
  }
  if (jwksUrl !== undefined && jwtSecret === undefined) {
    const keySet = openKeySet(jwksUrl)
    return async ({ alg, kid }) => {
      if (alg !== 'RS256' && alg !== 'ES256') throw unauthorized()
      return { algorithm: alg, key: await keySet.find(alg, kid) }
    }
  }
  throw new Error('exactly one of JWT_SECRET and JWKS_URL is needed')
}

/** Decodes a token without verifying anything. */
function decode(token: string): jwt.Jwt {
  const decoded = jwt.decode(token, { complete: true })
  if (!decoded) throw unauthorized()
  return decoded
}

/** Any other error, including a `TypeError` of the library, means that the token is unreadable. */
function toTokenError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof jwt.TokenExpiredError) {
    return new AppError('TOKEN_EXPIRED', 'The token has expired.', { cause: error })
  }
  return unauthorized(error)
}
