import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openApiDocument } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { GatewayOptions, GatewayPorts } from '../options.ts'
import { findVisibleSession } from '../usecases/access.ts'
import type { Announcer } from '../usecases/announcer.ts'
import { endSession } from '../usecases/end-session.ts'
import { listSessions } from '../usecases/list-sessions.ts'
import { readHistory } from '../usecases/read-history.ts'
import type { RouteCall, RouteHandlers } from './api.ts'
import { readTranscript, transcriptFileName, transcriptMediaType } from './transcript.ts'
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
  const openApi = openApiDocument({ pathPrefix: options.pathPrefix })
  return {
    listModels: async () => ({ items: options.models, nextCursor: null }),
    listSessions: ({ who, query }) => listSessions(sessions, who, query),
    readSession: async ({ who, params }) => ({
      session: await findVisibleSession(sessions, who, params.id),
    }),
    readMessages: ({ who, params, query }) =>
      readHistory({ sessions, messages }, who, { ...query, sessionId: params.id }),
    endSession: ({ who, params }) =>
      endSession({ sessions, messages, replies, bus, clock, announcer }, who, {
        sessionId: params.id,
      }),
    downloadTranscript: (call) => sendTranscript(deps.ports, call),
    createVisitor: async ({ request, response }) => {
      if (!deps.visitorDesk) throw new AppError('FORBIDDEN', 'Visitors are not let in here.')
      return await deps.visitorDesk.admit(request, response)
    },
    readOpenApi: async () => openApi,
  }
}

async function sendTranscript(
  { sessions, messages }: Pick<GatewayPorts, 'sessions' | 'messages'>,
  call: RouteCall<'downloadTranscript'>,
): Promise<undefined> {
  const { response, who, params, query } = call
  const format = query.format ?? 'txt'
  const session = await findVisibleSession(sessions, who, params.id)
  const pieces = readTranscript(messages, session, format)
  response.setHeader('Content-Type', transcriptMediaType(format))
  response.attachment(transcriptFileName(session, format))
  // Texts of users and models: were it ever shown and not saved, nothing in it may run.
  response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
  await pipeline(Readable.from(pieces), response)
}
