import { LIMITS } from '@chatbox/contract'
import { AppError, type Clock } from '@chatbox/core'
import {
  createRemoteJWKSet,
  decodeJwt,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose'
import type { AuthOptions } from '../options.ts'
import type { Identity } from '../usecases/refresh-token.ts'
import { toIdentity, unauthorized } from './bearer-claims.ts'
import { VISITOR_ISSUER, type VisitorTokens } from './visitor-tokens.ts'

/** How far the clocks of a token's issuer and of this machine may be apart. */
const CLOCK_SKEW_S = 10

export interface TokenVerifier {
  /** Throws `TOKEN_EXPIRED`, `UNAUTHORIZED`, or `UNAVAILABLE` where the issuer's keys are out of reach. */
  verify(token: string): Promise<Identity>
}

export interface TokenVerifierDeps {
  clock: Pick<Clock, 'now'>
  /** Undefined where no visitors are let in. */
  visitors: VisitorTokens | undefined
}

type Verify = (token: string, options: JWTVerifyOptions) => Promise<{ payload: JWTPayload }>

/** One issuer has one kind of key: the algorithms of the other kind are refused (RFC 8725, 3.1). */
export function createTokenVerifier(auth: AuthOptions, deps: TokenVerifierDeps): TokenVerifier {
  const verifyBearer = createBearerVerify(auth)
  return {
    async verify(token) {
      if (token.length > LIMITS.tokenLength) throw unauthorized()
      try {
        if (deps.visitors && decodeJwt(token).iss === VISITOR_ISSUER) {
          return toIdentity(await deps.visitors.readToken(token))
        }
        const { payload } = await verifyBearer(token, {
          clockTolerance: CLOCK_SKEW_S,
          currentDate: deps.clock.now(),
          requiredClaims: ['exp'],
        })
        return toIdentity(payload)
      } catch (error) {
        throw toTokenError(error)
      }
    },
  }
}

function createBearerVerify(auth: AuthOptions): Verify {
  const expected = {
    ...(auth.issuer === undefined ? {} : { issuer: auth.issuer }),
    ...(auth.audience === undefined ? {} : { audience: auth.audience }),
  }
  if (auth.jwtSecret !== undefined && auth.jwksUrl === undefined) {
    const key = new TextEncoder().encode(auth.jwtSecret)
    const options = { ...expected, algorithms: ['HS256'] }
    return (token, more) => jwtVerify(token, key, { ...options, ...more })
  }
  if (auth.jwksUrl !== undefined && auth.jwtSecret === undefined) {
    const keys = createRemoteJWKSet(new URL(auth.jwksUrl), { timeoutDuration: 5000 })
    const options = { ...expected, algorithms: ['RS256', 'ES256'] }
    return (token, more) => jwtVerify(token, keys, { ...options, ...more })
  }
  throw new Error('exactly one of JWT_SECRET and JWKS_URL is needed')
}

function toTokenError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof errors.JWTExpired) {
    return new AppError('TOKEN_EXPIRED', 'The token has expired.', { cause: error })
  }
  if (isKeySourceFault(error)) {
    return new AppError('UNAVAILABLE', 'Tokens cannot be checked at the moment.', { cause: error })
  }
  return unauthorized(error)
}

/** `JOSEError` itself is what jose throws where a key set answers with another status than 200. */
function isKeySourceFault(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  return !(error instanceof errors.JOSEError) || error.code === errors.JOSEError.code
}
