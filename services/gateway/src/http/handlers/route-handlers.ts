import { openApiDocument } from '@chatbox/contract'
import { checkAccess } from '@chatbox/core'
import type { Context } from '../../context.ts'
import { endSession } from '../../usecases/session/end-session.ts'
import { listSessions, readHistory } from '../../usecases/session/read-session.ts'
import type { RouteHandlers } from '../api.ts'
import { toTranscript } from './transcript.ts'
import { admitVisitor } from './visitors.ts'

/** Each route of the contract and its use case. */
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
