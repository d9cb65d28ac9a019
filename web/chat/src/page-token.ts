import { createTokenSource, type GetToken, type IssuedToken, requestJson } from '@chatbox/client'

/**
 * Where a user's token comes from. A host application that knows its user listens for
 * `chatbox:token-needed` on `window` and calls `detail.provide(promise)` before it returns; the
 * promise gives `{ token, expiresAt }`. Where nobody does, the server's visitor token is taken.
 */
export function createPageToken(baseUrl: string): GetToken {
  return createTokenSource(async () => (await askHost()) ?? (await createVisitor(baseUrl)))
}

interface TokenRequest {
  provide(token: Promise<IssuedToken>): void
}

function askHost(): Promise<IssuedToken> | undefined {
  let provided: Promise<IssuedToken> | undefined
  const detail: TokenRequest = { provide: (token) => void (provided = token) }
  window.dispatchEvent(new CustomEvent('chatbox:token-needed', { detail }))
  return provided
}

async function createVisitor(baseUrl: string): Promise<IssuedToken> {
  const init: RequestInit = { method: 'POST', credentials: 'same-origin' }
  return (await requestJson(`${baseUrl}/api/visitors`, init)) as IssuedToken
}
