import { openApiDocument } from '@chatbox/contract'
import { AppError, checkAccess } from '@chatbox/core'
import type { GatewayOptions, GatewayPorts } from '../../options.ts'
import type { Announcer } from '../../usecases/announcer.ts'
import { endSession } from '../../usecases/session/end-session.ts'
import { listSessions } from '../../usecases/session/list-sessions.ts'
import { readHistory } from '../../usecases/session/read-history.ts'
import type { RouteHandlers } from '../api.ts'
import { toTranscript } from './transcript.ts'
import type { VisitorDesk } from './visitor-desk.ts'

export interface RouteDeps {
  ports: GatewayPorts
  options: GatewayOptions
  announcer: Announcer
  /** Undefined where no visitors are let in. */
  visitorDesk: VisitorDesk | undefined
}

/** Each route of the contract and its use case. */
export function createRouteHandlers(deps: RouteDeps): RouteHandlers {
  const { options, announcer } = deps
  const { sessions, messages, replies, bus, clock } = deps.ports
  const openApi = { ...openApiDocument({ pathPrefix: options.server.pathPrefix }) }
  return {
    listModels: async () => ({ items: [...options.models], nextCursor: null }),
    listSessions: ({ who, query }) => listSessions(sessions, who, query),
    readSession: async ({ who, params }) => ({
      session: checkAccess('read', who, await sessions.find(params.id)),
    }),
    readMessages: ({ who, params, query }) =>
      readHistory({ sessions, messages }, who, { ...query, sessionId: params.id }),
    endSession: ({ who, params }) =>
      endSession({ sessions, messages, replies, bus, clock, announcer }, who, {
        sessionId: params.id,
      }),
    async downloadTranscript({ who, params, query }) {
      const session = checkAccess('read', who, await sessions.find(params.id))
      return toTranscript(messages, session, query.format ?? 'txt')
    },
    createVisitor: async ({ request, response }) => {
      if (!deps.visitorDesk) throw new AppError('FORBIDDEN', 'Visitors are not let in here.')
      return await deps.visitorDesk.admit(request, response)
    },
    readOpenApi: async () => openApi,
  }
}
