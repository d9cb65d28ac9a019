import type { GetToken } from './connection.ts'

export interface IssuedToken {
  token: string
  /** ISO 8601. */
  expiresAt: string
}

/** A token this close to its end is not worth a handshake. */
const MIN_LEFT_MS = 90_000

/** Keeps a token in memory until it is about to expire; callers at the same time share one request. */
export function createTokenSource(issue: () => Promise<IssuedToken>): GetToken {
  let known: IssuedToken | undefined
  let underWay: Promise<IssuedToken> | undefined
  return async ({ renew }) => {
    if (known && !renew && Date.parse(known.expiresAt) - Date.now() > MIN_LEFT_MS) {
      return known.token
    }
    underWay ??= issue().finally(() => (underWay = undefined))
    known = await underWay
    return known.token
  }
}
