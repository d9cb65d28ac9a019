import { IncomingMessage, type Server as HttpServer } from 'node:http'
import { Socket } from 'node:net'
import { PRESENCE_TTL_MS } from '@chatbox/core'
import { Server } from 'socket.io'
import type { Origins } from '../../auth/origins.ts'
import type { TokenVerifier } from '../../auth/verify-token.ts'
import type { GatewayOptions, GatewayPorts } from '../../options.ts'
import type { RateGuard, RateRules } from '../../edge/rate-rules.ts'
import type { Announcer } from '../../usecases/announcer.ts'
import { createAddressBook, type AddressBook } from '../rooms/address-book.ts'
import { createAnnouncer } from '../rooms/announcer.ts'
import { BoundedWebSocketServer } from './bounded-web-socket-server.ts'
import { deliverEvent } from '../rooms/deliver.ts'
import { closeSockets, drainSockets, localSockets, type DrainOptions } from './drain.ts'
import { ExpiryWatch } from '../connection/expiry.ts'
import { createHandshake } from './handshake.ts'
import { startHeadBeacon, type HeadBeacon } from '../rooms/head-beacon.ts'
import { PendingWork } from './pending-work.ts'
import { createServe } from '../connection/serve-connection.ts'
import { SessionRooms } from '../rooms/session-rooms.ts'
import { textOnlyParser } from './text-only-parser.ts'
import type { ChatServer, ChatSocket, SocketAdapter } from '../connection/types.ts'

export interface SocketServerDeps {
  ports: GatewayPorts
  options: GatewayOptions
  verifier: TokenVerifier
  origins: Origins
  guard: RateGuard
  rules: RateRules
  socketAdapter: SocketAdapter | undefined
}

export interface SocketServer {
  announcer: Announcer
  /** Takes the upgrades of a server, in front of its other listeners, which must be there already. */
  attach(httpServer: HttpServer): void
  connections(): number
  /** Lets nobody in any more, and sends those who are here away. */
  drain(options: DrainOptions): Promise<void>
  /** Closes every socket, and the HTTP server that they came through. */
  close(): Promise<void>
}

/** How long the answers that are being worked on may take when the process ends. */
const SETTLE_MS = 3000

/** Serves Socket.IO, over websocket only, once it is attached to a server. */
export function openSocketServer(deps: SocketServerDeps): SocketServer {
  const gate = { isDraining: false }
  const io = createServer(deps, gate)
  deps.ports.metrics.gatewayStarted(deps.options.limits.maxConnections)
  const work = new PendingWork()
  const announcer = createAnnouncer(io)
  const { rooms, headBeacon } = openRooms(io, deps)
  const { ports, guard, rules } = deps
  const { metrics, logger, clock } = ports
  const answer = { guard, rules, metrics, logger, clock }
  const addresses = createAddressBook(deps.options.server.trustedProxies)
  io.use(
    createHandshake({
      ...{ verifier: deps.verifier, guard, rules, presence: ports.presence },
      ...{
        maxConnectionsPerUser: deps.options.limits.maxConnectionsPerUser,
        clock,
        metrics,
        logger,
      },
      takeAddress: (conn) => addresses.take(conn),
    }),
  )
  const expiries = new ExpiryWatch(clock)
  io.on('connection', createServe({ ...deps, answer, rooms, announcer, work, expiries }))
  const presenceTimer = startPresence(ports)
  return {
    announcer,
    attach(httpServer) {
      io.attach(httpServer)
      refuseOddRequests(io)
      releaseRequests(io, addresses)
    },
    connections: () => io.engine.clientsCount,
    async drain(options) {
      gate.isDraining = true
      await drainSockets(localSockets(io), clock, options)
    },
    async close() {
      gate.isDraining = true
      clearInterval(presenceTimer)
      headBeacon.stop()
      await work.settle(SETTLE_MS)
      await closeSockets(io)
      await io.close()
    },
  }
}

function createServer(deps: SocketServerDeps, gate: { isDraining: boolean }): ChatServer {
  const { options, origins, ports } = deps
  const refuse = (code: string, callback: (message: string, isAllowed: boolean) => void) => {
    ports.metrics.handshakeRefused(code)
    callback(code, false)
  }
  const io: ChatServer = new Server({
    path: `${options.server.pathPrefix}/socket.io`,
    transports: ['websocket'],
    allowEIO3: false,
    serveClient: false,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: options.limits.maxMessageBytes,
    connectTimeout: 10_000,
    pingInterval: 25_000,
    pingTimeout: 20_000,
    parser: textOnlyParser,
    wsEngine: BoundedWebSocketServer,
    ...(deps.socketAdapter === undefined ? {} : { adapter: deps.socketAdapter }),
    allowRequest(request, callback) {
      if (gate.isDraining) refuse('UNAVAILABLE', callback)
      else if (!origins.isAllowed(request.headers.origin)) refuse('FORBIDDEN', callback)
      else if (io.engine.clientsCount >= options.limits.maxConnections) {
        refuse('CONNECTION_LIMIT', callback)
      } else callback('', true)
    },
  })
  return io
}

/**
 * `allowRequest` is skipped for a request that names an open connection. Over websocket only, nobody
 * has to come back to one: whoever does knows somebody else's secret. A version of the protocol that
 * is not served would be refused only after the upgrade, with bytes that are no frame.
 */
function refuseOddRequests(io: ChatServer): void {
  io.engine.use((request: IncomingMessage, _response: unknown, next: (error?: Error) => void) => {
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams
    const isPlain = query.get('EIO') === '4' && !query.has('sid')
    next(isPlain ? undefined : new Error('only a new connection of version 4 is served'))
  })
}

/**
 * Engine.IO keeps the request that a connection began with, which nobody reads any more, and lets it
 * be replaced (its guide to memory usage): with its headers it is a quarter of what a connection holds.
 */
function releaseRequests(io: ChatServer, addresses: AddressBook): void {
  const nothing = new IncomingMessage(new Socket())
  io.engine.on('connection', (conn: ChatSocket['conn']) => {
    addresses.add(conn, conn.request)
    conn.request = nothing
  })
}

function openRooms(
  io: ChatServer,
  deps: SocketServerDeps,
): { rooms: SessionRooms; headBeacon: HeadBeacon } {
  const { bus, sessions, messages, clock, metrics, logger } = deps.ports
  const rooms: SessionRooms = new SessionRooms({
    bus,
    deliver(room, event) {
      deliverEvent({ io, metrics }, room, event)
      // A reply: its reader may be about to write, and finds out by itself what this cannot.
      if (event.event === 'message:new') {
        messages.prepareAppend(room.sessionId).catch(() => undefined)
      }
    },
    onLate: (room) => headBeacon.hurry(room),
    onError: (error) => logger.warn({ err: error }, 'session subscription failed'),
  })
  const headBeacon = startHeadBeacon({ io, rooms, sessions, clock })
  bus.onGap(() => headBeacon.sweep())
  return { rooms, headBeacon }
}

function startPresence({ presence, logger }: GatewayPorts): NodeJS.Timeout {
  const timer = setInterval(() => {
    presence
      .refresh()
      .catch((error: unknown) => logger.warn({ err: error }, 'presence not renewed'))
  }, PRESENCE_TTL_MS / 3)
  timer.unref()
  return timer
}
