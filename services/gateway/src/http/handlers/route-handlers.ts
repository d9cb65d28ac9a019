import { HTTP_ROUTES, openApiDocument, type RouteAnswer } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { Request, Response } from 'express'
import { newVisitorId, PROOF_TTL_S } from '../../auth/visitor-tokens.ts'
import type { Context, GatewayOptions } from '../../context.ts'
import { toAddressKey } from '../../edge/client-address.ts'
import { checkSession } from '../../usecases/check-session.ts'
import { endSession } from '../../usecases/session/change-session.ts'
import { listSessions, readHistory } from '../../usecases/session/read-session.ts'
import type { RouteHandlers } from '../api.ts'
import { isHttps } from '../security.ts'
import { createTranscripts } from './transcript.ts'

const MAX_COOKIE_LENGTH = 1024

/** Maps each route of the contract to its use case. */
export function createRouteHandlers(context: Context): RouteHandlers {
  const { options, sessions } = context
  const createTranscript = createTranscripts(context)
  const openApi = { ...openApiDocument({ pathPrefix: options.server.pathPrefix }) }
  return {
    listModels: async () => ({ items: [...options.models], nextCursor: null }),
    listSessions: ({ who, query }) => listSessions(context, who, query),
    readSession: async ({ who, params }) => ({
      session: checkSession(context, 'read', { who, session: await sessions.find(params.id) }),
    }),
    readMessages: ({ who, params, query }) =>
      readHistory(context, who, { ...query, sessionId: params.id }),
    endSession: ({ who, params }) => endSession(context, who, { sessionId: params.id }),
    async downloadTranscript({ who, params, query }) {
      const session = checkSession(context, 'read', {
        who,
        session: await sessions.find(params.id),
      })
      return createTranscript({ who, session, format: query.format ?? 'txt' })
    },
    createVisitor: ({ request, response }) => admitVisitor(context, request, response),
    readOpenApi: async () => openApi,
  }
}

/**
 * Issues a token for the visitor that this browser was before, else for a new visitor. The token
 * lives in the page's memory only. The lasting part is a cookie that scripts cannot read and that
 * is sent only to this address. Its only use is a new token for the same visitor.
 */
async function admitVisitor(
  { visitors, options, guard }: Context,
  request: Request,
  response: Response,
): Promise<RouteAnswer<'createVisitor'>> {
  if (!visitors) throw new AppError('FORBIDDEN', 'Visitors are not admitted here.')
  const cookie = toVisitorCookie(options.server)
  const proof = readCookie(request.headers.cookie, cookie.name)
  const known = proof === undefined ? undefined : await visitors.readProof(proof)
  // A new visitor has new points and a new budget, so an address may become only a few. Known ones
  // count each for themselves: all the pages of an office may wake up at once.
  if (known === undefined) await guard.take('newVisitor', toAddressKey(request.ip))
  else await guard.take('visitor', known)
  const visitorId = known ?? newVisitorId()
  response.cookie(cookie.name, await visitors.issueProof(visitorId), {
    httpOnly: true,
    sameSite: 'strict',
    secure: cookie.secure,
    path: cookie.path,
    maxAge: PROOF_TTL_S * 1000,
  })
  const { token, expiresAt } = await visitors.issueToken(visitorId)
  return { token, expiresAt: expiresAt.toISOString() }
}

/**
 * Over https the name begins with `__Host-`: browsers then take the cookie from this very host only,
 * and another host of the domain cannot make a visitor someone else (RFC 6265bis, 4.1.3.2). Such a
 * cookie has no path of its own, so its name tells two installations on one host apart.
 */
function toVisitorCookie({ publicUrl, pathPrefix }: GatewayOptions['server']): {
  name: string
  path: string
  secure: boolean
} {
  const name = `chatbox_visitor${pathPrefix.replaceAll('/', '-')}`
  if (isHttps(publicUrl)) return { name: `__Host-${name}`, path: '/', secure: true }
  return { name, path: `${pathPrefix}/api${HTTP_ROUTES.createVisitor.path}`, secure: false }
}

function readCookie(header: string | undefined, wanted: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === wanted && value && value.length <= MAX_COOKIE_LENGTH) return value
  }
  return undefined
}
