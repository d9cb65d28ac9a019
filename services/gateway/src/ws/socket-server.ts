import type { Server as HttpServer } from 'node:http'
import { LIMITS, userRoom, type ServerPayload, type User } from '@chatbox/contract'
import { PRESENCE_TTL_MS } from '@chatbox/core'
import type { Context } from '../context.ts'
import type { ChatServer, ChatSocket } from './chat-socket.ts'
import { Allowances } from './engine/allowances.ts'
import { ExpiryWatch } from './connection/expiry.ts'
import { createEventHandlers } from './connection/handlers.ts'
import { ServedSocket, type SocketParts } from './connection/served-socket.ts'
import { createChatEngine, type ChatEngine } from './engine/chat-engine.ts'
import { closeSockets, drainSockets, localSockets, type DrainOptions } from './engine/drain.ts'
import { createHandshake } from './engine/handshake.ts'
import { announceDesk, announceEntry, deliverEvent, toActiveSessionId } from './rooms/deliver.ts'
import { startHeadBeacon, type HeadBeacon } from './rooms/head-beacon.ts'
import { SessionRooms } from './rooms/session-rooms.ts'

export interface SocketServer {
  announceEntry: Context['announceEntry']
  announceDesk: Context['announceDesk']
  /** Handles upgrades before the server's other listeners, which must be attached already. */
  attach(httpServer: HttpServer): void
  connections(): number
  /** Refuses new sockets and sends the connected clients away. */
  drain(options: DrainOptions): Promise<void>
  /** Closes all sockets and the HTTP server. */
  close(): Promise<void>
}

/** How long running events may take when the process ends. */
const SETTLE_MS = 3000

/** Serves Socket.IO over websocket only, once it is attached to a server. */
export function openSocketServer(context: Context): SocketServer {
  const engine = createChatEngine(context)
  const { io } = engine
  context.metrics.gatewayStarted(context.options.limits.maxConnections)
  const { rooms, headBeacon } = openRooms(io, context)
  io.use(createHandshake({ ...context, engine }))
  serveSockets(engine, rooms, context)
  const presenceTimer = startPresence(context)
  return {
    announceEntry: (message, session) => announceEntry({ io, ...context }, message, session),
    announceDesk: (news) => announceDesk(io, news),
    attach: (httpServer) => engine.attach(httpServer),
    connections: () => io.engine.clientsCount,
    async drain(options) {
      engine.shut()
      await drainSockets(localSockets(io), context.clock, options)
    },
    async close() {
      engine.shut()
      clearInterval(presenceTimer)
      headBeacon.stop()
      await context.work.settle(SETTLE_MS)
      await closeSockets(io)
      await io.close()
    },
  }
}

function openRooms(
  io: ChatServer,
  { bus, sessions, messages, clock, metrics, logger, hideOperators }: Context,
): { rooms: SessionRooms; headBeacon: HeadBeacon } {
  const rooms: SessionRooms = new SessionRooms({
    bus,
    deliver(room, event) {
      deliverEvent({ io, metrics, hideOperators }, room, event)
      // A reply, because its reader may be about to write.
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

/** Serves each admitted socket, all with the same handlers. */
function serveSockets(engine: ChatEngine, rooms: SessionRooms, context: Context): void {
  const parts: SocketParts = {
    ...context,
    handlers: createEventHandlers(context),
    rooms,
    expiries: new ExpiryWatch(context.clock),
    allowances: new Allowances(context.options.limits),
    onOutgoing(...event) {
      const sessionId = toActiveSessionId(event)
      if (sessionId !== undefined) rooms.noteActivity(sessionId, context.clock.now().getTime())
    },
  }
  const served = new WeakMap<ChatSocket, ServedSocket>()
  context.revocations.onRevoked((userId) => {
    const { sockets, adapter } = engine.io.of('/')
    for (const id of [...(adapter.rooms.get(userRoom(userId)) ?? [])]) {
      const socket = sockets.get(id)
      if (socket) served.get(socket)?.closeIfRevoked()
    }
  })
  engine.io.on('connection', (socket) => {
    const one = new ServedSocket(parts, socket, engine.placeOf(socket.conn)?.address)
    served.set(socket, one)
    one.open()
    socket.emit('ready', toReady(context, one.user))
    // The revocation may have come since the handshake.
    one.closeIfRevoked()
  })
}

function toReady({ options, clock }: Context, user: User): ServerPayload<'ready'> {
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
    serverTime: clock.now().toISOString(),
  }
}

function startPresence({ presence, logger }: Context): NodeJS.Timeout {
  const timer = setInterval(() => {
    presence
      .refresh()
      .catch((error: unknown) => logger.warn({ err: error }, 'presence not renewed'))
  }, PRESENCE_TTL_MS / 3)
  timer.unref()
  return timer
}
