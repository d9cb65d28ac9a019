import { HTTP_ROUTES } from '@chatbox/contract'
import type { Request, Response } from 'express'
import { newVisitorId, PROOF_TTL_S, type VisitorTokens } from '../../auth/visitor-tokens.ts'
import type { GatewayOptions } from '../../options.ts'
import { isHttps } from '../security-headers.ts'

const COOKIE = 'chatbox_visitor'
const MAX_COOKIE_LENGTH = 1024

export interface VisitorDesk {
  /** A token for the visitor whom this browser was before, else for a new one. */
  admit(request: Request, response: Response): Promise<{ token: string; expiresAt: string }>
}

/**
 * The token lives in the page's memory alone. What lasts is a cookie that scripts cannot read, that
 * is sent to this one address, and that is good for nothing but a new token of the same visitor.
 */
export function createVisitorDesk(
  tokens: VisitorTokens,
  options: Pick<GatewayOptions['server'], 'pathPrefix' | 'publicUrl'>,
): VisitorDesk {
  return {
    async admit(request, response) {
      const proof = readCookie(request.headers.cookie)
      const known = proof === undefined ? undefined : await tokens.readProof(proof)
      const visitorId = known ?? newVisitorId()
      response.cookie(COOKIE, await tokens.issueProof(visitorId), {
        httpOnly: true,
        sameSite: 'strict',
        secure: isHttps(options.publicUrl),
        path: `${options.pathPrefix}/api${HTTP_ROUTES.createVisitor.path}`,
        maxAge: PROOF_TTL_S * 1000,
      })
      const { token, expiresAt } = await tokens.issueToken(visitorId)
      return { token, expiresAt: expiresAt.toISOString() }
    },
  }
}

function readCookie(header: string | undefined): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === COOKIE && value && value.length <= MAX_COOKIE_LENGTH) return value
  }
  return undefined
}
