import { LIMITS, type ServerPayload } from '@chatbox/contract'
import { AppError, toErrorInfo } from '@chatbox/core'
import type { TokenVerifier } from '../auth/verify-token.ts'
import type { GatewayOptions, GatewayPorts } from '../options.ts'
import { isOperator } from '../usecases/access.ts'
import type { Announcer } from '../usecases/announcer.ts'
import type { Identity } from '../usecases/refresh-token.ts'
import type { AnswerDeps } from './ack.ts'
import { createPeerAnnouncer } from './announcer.ts'
import { serveEvents } from './events.ts'
import { watchExpiry } from './expiry.ts'
import { createViewer } from './viewer.ts'
import { createHandlers, type HandlerDeps } from './handlers.ts'
import { watchOutbound } from './outbound.ts'
import type { PendingWork } from './pending-work.ts'
import { userRoom } from './room-names.ts'
import type { Member, SessionRooms } from './session-rooms.ts'
import type { ChatSocket } from './types.ts'

export interface ConnectionDeps {
  ports: GatewayPorts
  options: GatewayOptions
  verifier: TokenVerifier
  answer: AnswerDeps
  rooms: SessionRooms
  announcer: Announcer
  work: PendingWork
}

/** Serves one socket that the handshake has let in, until it disconnects. */
export function serveConnection(deps: ConnectionDeps, socket: ChatSocket): void {
  const { logger, metrics, clock } = deps.ports
  const { identity } = socket.data
  const member = toMember(deps, socket)
  const expiry = watchExpiry(clock, {
    onExpiring: (expiresAt) => {
      socket.emit('token:expiring', { expiresAt: expiresAt.toISOString() })
    },
    onExpired: () => closeSocket(socket, new AppError('TOKEN_EXPIRED', 'The token has expired.')),
  })
  const renew = (renewed: Identity) => {
    // Sessions of others were opened by right of a role.
    if (!isOperator(renewed.user) && isOperator(socket.data.identity.user)) {
      deps.rooms.leaveAll(member)
    }
    socket.data.identity = renewed
    expiry.set(renewed.expiresAt)
  }

  metrics.connections(1)
  socket.on('disconnect', (reason) => {
    metrics.connections(-1)
    logger.debug({ reason }, 'socket disconnected')
    expiry.stop()
    deps.rooms.leaveAll(member)
    // There is one namespace: a connection outside of it is of no use.
    socket.conn.close()
  })
  socket.on('error', (error: unknown) => {
    // An `error` event that the client made up comes here too, and is answered like any other.
    if (!(error instanceof Error)) return
    logger.info({ reason: error.message }, 'socket broke the protocol')
    closeSocket(socket, new AppError('INVALID_FORMAT', 'This is not a packet of the protocol.'))
  })
  void socket.join(userRoom(identity.user.id))
  expiry.set(identity.expiresAt)
  const handlers = createHandlers(
    toHandlerDeps(deps, { socket, member, renew }),
    () => socket.data.identity.user,
  )
  serveEvents({ ...deps, handlers, who: () => socket.data.identity.user }, socket)
  socket.emit('ready', toReady(deps, identity))
}

/** Says why, and closes the connection; a client that does not read learns it from the close alone. */
function closeSocket(socket: ChatSocket, error: AppError): void {
  socket.emit('error', toErrorInfo(error))
  socket.disconnect(true)
}

function toMember(deps: ConnectionDeps, socket: ChatSocket): Member {
  const { logger, metrics } = deps.ports
  const outbound = watchOutbound(socket.conn, () => {
    metrics.slowReaderClosed()
    logger.info('socket closed: its client does not read')
    // Without waiting for what is buffered: it is the reason.
    socket.conn.close(true)
  })
  return { socket, sessionIds: new Set(), isCongested: outbound.isCongested }
}

interface SocketParts {
  socket: ChatSocket
  member: Member
  renew: HandlerDeps['renew']
}

function toHandlerDeps(deps: ConnectionDeps, parts: SocketParts): HandlerDeps {
  const { ports, options, rooms, announcer } = deps
  return {
    store: ports.store,
    queue: ports.queue,
    bus: ports.bus,
    clock: ports.clock,
    announcer,
    peers: createPeerAnnouncer(parts.socket),
    viewer: createViewer(rooms, parts.member),
    models: options.models,
    defaultModelId: options.models[0].id,
    reconnectTimeoutMs: options.reconnectTimeoutMs,
    verifyToken: (token) => deps.verifier.verify(token),
    renew: parts.renew,
    onLostJob: (error) => ports.logger.warn({ err: error }, 'job not enqueued'),
    onAccepted: () => ports.metrics.messageAccepted(),
    onCaughtUp: (entries, seconds) => ports.metrics.sessionResynced(entries, seconds),
  }
}

function toReady({ ports, options }: ConnectionDeps, identity: Identity): ServerPayload<'ready'> {
  return {
    protocol: 1,
    user: identity.user,
    models: [...options.models],
    limits: {
      contentLength: LIMITS.contentLength,
      messageBytes: options.maxMessageBytes,
      historyPage: LIMITS.historyPage,
      reconnectTimeoutMs: options.reconnectTimeoutMs,
    },
    serverTime: ports.clock.now().toISOString(),
  }
}
