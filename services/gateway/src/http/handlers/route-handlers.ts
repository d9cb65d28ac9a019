import { openApiDocument } from '@chatbox/contract'
import type { Context } from '../../context.ts'
import { checkAudit, listAudit } from '../../usecases/admin/audit.ts'
import { endRevocation, listRevocations, revokeUser } from '../../usecases/admin/revocations.ts'
import { checkSession } from '../../usecases/check-session.ts'
import { listAllSessions } from '../../usecases/inbox/list-inbox.ts'
import { endSession } from '../../usecases/session/change-session.ts'
import { listSessions, readHistory } from '../../usecases/session/read-session.ts'
import type { RouteHandlers } from '../api.ts'
import { createOperatorHandlers } from './operator-sign-in.ts'
import { createQueueHandlers } from './queues.ts'
import { createTranscripts } from './transcript.ts'
import { admitVisitor, forgetVisitor } from './visitors.ts'

/** Maps each route of the contract to its use case. */
export function createRouteHandlers(context: Context): RouteHandlers {
  const { options, sessions } = context
  const createTranscript = createTranscripts(context)
  const openApi = { ...openApiDocument({ pathPrefix: options.server.pathPrefix }) }
  return {
    listModels: async () => ({ items: [...options.models], nextCursor: null }),
    listSessions: ({ who, query }) => listSessions(context, who, query),
    readSession: async ({ who, params }) => ({
      session: await checkSession(context, 'read', {
        who,
        session: await sessions.find(params.id),
      }),
    }),
    readMessages: ({ who, params, query }) =>
      readHistory(context, who, { ...query, sessionId: params.id }),
    endSession: ({ who, params }) => endSession(context, who, { sessionId: params.id }),
    async downloadTranscript({ who, params, query }) {
      const session = await checkSession(context, 'read', {
        who,
        session: await sessions.find(params.id),
      })
      return createTranscript({ who, session, format: query.format ?? 'txt' })
    },
    createVisitor: ({ request, response }) => admitVisitor(context, request, response),
    forgetVisitor: async ({ response }) => forgetVisitor(context, response),
    ...createOperatorHandlers(context),
    listRevocations: async ({ query }) => listRevocations(context, query),
    revokeUser: ({ who, body }) => revokeUser(context, who, body),
    endRevocation: ({ params }) => endRevocation(context, params.id),
    listAllSessions: ({ who, query }) => listAllSessions(context, who, query),
    listAudit: ({ query }) => listAudit(context, query),
    verifyAudit: ({ query }) => checkAudit(context, query),
    ...createQueueHandlers(context),
    readOpenApi: async () => openApi,
  }
}
