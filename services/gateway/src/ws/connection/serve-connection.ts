import { LIMITS, type ServerPayload, type User } from '@chatbox/contract'
import type { TokenVerifier } from '../../auth/verify-token.ts'
import type { GatewayOptions, GatewayPorts } from '../../options.ts'
import type { Announcer } from '../../usecases/announcer.ts'
import { createActivityListener } from './activity.ts'
import { runAfterAnswer } from './after-answer.ts'
import { Connection, type ConnectionDeps } from './connection.ts'
import { serveEvents, type EventDeps } from './events.ts'
import { createHandlers, type HandlerDeps } from './handlers.ts'
import type { ChatSocket } from './types.ts'

interface ServeDeps
  extends Omit<EventDeps, 'handlers'>, Pick<ConnectionDeps, 'rooms' | 'expiries'> {
  ports: GatewayPorts
  options: GatewayOptions
  verifier: TokenVerifier
  announcer: Announcer
}

/** Serves each socket that the handshake has let in, all with the same handlers. */
export function createServe(deps: ServeDeps): (socket: ChatSocket) => void {
  const { ports, answer, work, rooms, expiries } = deps
  const { logger, metrics, presence, clock } = ports
  const onOutgoing = createActivityListener(rooms, clock)
  const shared = { rooms, expiries, logger, metrics, presence, onOutgoing }
  const events = { answer, work, handlers: createHandlers(toHandlerDeps(deps)) }
  return (socket) => {
    const connection = new Connection(shared, socket)
    connection.open()
    serveEvents(events, connection)
    socket.emit('ready', toReady(deps, connection.user))
  }
}

function toHandlerDeps(deps: ServeDeps): HandlerDeps {
  const { ports, options, verifier, announcer, work } = deps
  return {
    sessions: ports.sessions,
    messages: ports.messages,
    replies: ports.replies,
    queue: ports.queue,
    bus: ports.bus,
    clock: ports.clock,
    announcer,
    models: options.models,
    defaultModelId: options.models[0].id,
    reconnectTimeoutMs: options.sessions.reconnectTimeoutMs,
    verifyToken: (token) => verifier.verify(token),
    onLostJob: (error) => ports.logger.warn({ err: error }, 'job not enqueued'),
    afterAnswer: (task) => runAfterAnswer({ work, logger: ports.logger }, task),
    onAccepted: () => ports.metrics.messageAccepted(),
    onCaughtUp: (entries, seconds) => ports.metrics.sessionResynced(entries, seconds),
  }
}

function toReady(
  { ports, options }: Pick<ServeDeps, 'ports' | 'options'>,
  user: User,
): ServerPayload<'ready'> {
  return {
    protocol: 1,
    user,
    models: [...options.models],
    limits: {
      contentLength: LIMITS.contentLength,
      messageBytes: options.limits.maxMessageBytes,
      historyPage: LIMITS.historyPage,
      reconnectTimeoutMs: options.sessions.reconnectTimeoutMs,
    },
    serverTime: ports.clock.now().toISOString(),
  }
}
