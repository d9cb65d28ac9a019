/** Returns a token. `renew`: the last one was refused or is about to expire. */
export type GetToken = (wish: { renew: boolean }) => Promise<string>

export interface IssuedToken {
  token: string
  /** ISO 8601. */
  expiresAt: string
}

/** A token with less time left is not used for a handshake. */
const MIN_LEFT_MS = 90_000

/**
 * Keeps a token until shortly before it expires, or until another one is wished for, whether that
 * one can be had or not. Concurrent callers share one request.
 */
export function createTokenSource(issue: () => Promise<IssuedToken>): GetToken {
  let known: IssuedToken | undefined
  let underWay: Promise<IssuedToken> | undefined
  return async ({ renew }) => {
    if (known && !renew && Date.parse(known.expiresAt) - Date.now() > MIN_LEFT_MS) {
      return known.token
    }
    known = undefined
    underWay ??= issue().finally(() => (underWay = undefined))
    known = await underWay
    return known.token
  }
}

/**
 * Returns the user of a token, which is the claim `sub`, or `user_id` if that is missing. Verifies
 * nothing. Returns undefined if the token is unreadable.
 */
export function readSubject(token: string): string | undefined {
  try {
    const encoded = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> | null
    const subject = claims?.sub ?? claims?.user_id
    return typeof subject === 'string' ? subject : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns true for a user whom the gateway has made up and no site has signed in. Only the ids of
 * such users begin like this. The same rule as `isVisitorId` in shared/core, which is not for pages.
 */
export function isVisitor(userId: string): boolean {
  return userId.startsWith('visitor:')
}
