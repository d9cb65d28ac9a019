import { AppError } from '@chatbox/core'
import type { RateGuard, RateRules } from '../edge/rate-rules.ts'
import type { Identity } from '../usecases/refresh-token.ts'
import { unauthorized } from './bearer-claims.ts'
import type { TokenVerifier } from './verify-token.ts'

export interface AuthenticateDeps {
  verifier: TokenVerifier
  guard: RateGuard
  rules: Pick<RateRules, 'refused'>
}

/**
 * Who shows a token. One that is refused is counted by its address; beyond the limit it is refused
 * with `TOO_MANY_REQUESTS`. A good one is never counted, so a company behind one address comes in
 * while one of its machines guesses. A key set that is out of reach is no fault of the token.
 */
export async function authenticate(
  { verifier, guard, rules }: AuthenticateDeps,
  token: unknown,
  address: string,
): Promise<Identity> {
  try {
    if (typeof token !== 'string') throw unauthorized()
    return await verifier.verify(token)
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'UNAVAILABLE')) {
      await guard.take(rules.refused, address)
    }
    throw error
  }
}
