import { HTTP_ROUTES, openApiDocument, type RouteAnswer } from '@chatbox/contract'
import { AppError, checkAccess } from '@chatbox/core'
import type { Request, Response } from 'express'
import { newVisitorId, PROOF_TTL_S } from '../../auth/visitor-tokens.ts'
import type { Context } from '../../context.ts'
import { toAddressKey } from '../../edge/client-address.ts'
import { endSession } from '../../usecases/session/change-session.ts'
import { listSessions, readHistory } from '../../usecases/session/read-session.ts'
import type { RouteHandlers } from '../api.ts'
import { isHttps } from '../security.ts'
import { toTranscript } from './transcript.ts'

const VISITOR_COOKIE = 'chatbox_visitor'
const MAX_COOKIE_LENGTH = 1024

/** Maps each route of the contract to its use case. */
export function createRouteHandlers(context: Context): RouteHandlers {
  const { options, sessions, messages } = context
  const openApi = { ...openApiDocument({ pathPrefix: options.server.pathPrefix }) }
  return {
    listModels: async () => ({ items: [...options.models], nextCursor: null }),
    listSessions: ({ who, query }) => listSessions(context, who, query),
    readSession: async ({ who, params }) => ({
      session: checkAccess('read', who, await sessions.find(params.id)),
    }),
    readMessages: ({ who, params, query }) =>
      readHistory(context, who, { ...query, sessionId: params.id }),
    endSession: ({ who, params }) => endSession(context, who, { sessionId: params.id }),
    async downloadTranscript({ who, params, query }) {
      const session = checkAccess('read', who, await sessions.find(params.id))
      return toTranscript(messages, session, query.format ?? 'txt')
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
  const { publicUrl, pathPrefix } = options.server
  const proof = readCookie(request.headers.cookie)
  const known = proof === undefined ? undefined : await visitors.readProof(proof)
  // A new visitor has new points and a new budget, so an address may become only a few.
  if (known === undefined) await guard.take('newVisitor', toAddressKey(request.ip))
  const visitorId = known ?? newVisitorId()
  response.cookie(VISITOR_COOKIE, await visitors.issueProof(visitorId), {
    httpOnly: true,
    sameSite: 'strict',
    secure: isHttps(publicUrl),
    path: `${pathPrefix}/api${HTTP_ROUTES.createVisitor.path}`,
    maxAge: PROOF_TTL_S * 1000,
  })
  const { token, expiresAt } = await visitors.issueToken(visitorId)
  return { token, expiresAt: expiresAt.toISOString() }
}

function readCookie(header: string | undefined): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === VISITOR_COOKIE && value && value.length <= MAX_COOKIE_LENGTH) return value
  }
  return undefined
}
