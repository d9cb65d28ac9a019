import { IncomingMessage, type Server as HttpServer } from 'node:http'
import { Socket } from 'node:net'
import { AppError, toAppError } from '@chatbox/core'
import { Server } from 'socket.io'
import { Decoder, Encoder } from 'socket.io-parser'
import { WebSocketServer, type ServerOptions } from 'ws'
import type { Context } from '../../context.ts'
import { createAddressReader } from '../../edge/client-address.ts'
import type { ChatServer, ChatSocket } from '../chat-socket.ts'
import { createEarlyAllowance } from './allowances.ts'
import { MeteredWebSocket, websocketOf } from './metered-websocket.ts'
import { SocketPlaces, type Place } from './socket-places.ts'

/** How long a client may take to say who it is. */
export const HANDSHAKE_MS = 10_000

type Conn = ChatSocket['conn']

/** Socket.IO over websocket only. */
export interface ChatEngine {
  io: ChatServer
  /** Handles upgrades before the server's other listeners, which must be attached already. */
  attach(httpServer: HttpServer): void
  shut(): void
  places: SocketPlaces
  /** Returns the place of a connection, until it is closed. */
  placeOf(conn: Conn): Place | undefined
}

export function createChatEngine(context: Context): ChatEngine {
  const door: Door = {
    isShut: false,
    places: new SocketPlaces(context.options.limits),
    readAddress: createAddressReader(context.options.server.trustedProxies),
  }
  const io = createServer(context, door)
  const placeOf = new WeakMap<Conn, Place>()
  return {
    io,
    places: door.places,
    placeOf: (conn) => placeOf.get(conn),
    attach(httpServer) {
      io.attach(httpServer)
      refuseOddRequests(io)
      io.engine.on('connection', (conn: Conn) => {
        const place = takePlace(context, door, conn)
        if (place) placeOf.set(conn, place)
      })
      releaseRequests(io)
    },
    shut() {
      door.isShut = true
    },
  }
}

/** What a connection passes before it is one. */
interface Door {
  isShut: boolean
  places: SocketPlaces
  readAddress(request: IncomingMessage): string
}

function createServer(context: Context, door: Door): ChatServer {
  const { options, metrics, socketAdapter } = context
  const io: ChatServer = new Server({
    path: `${options.server.pathPrefix}/socket.io`,
    transports: ['websocket'],
    allowEIO3: false,
    serveClient: false,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: options.limits.maxMessageBytes,
    connectTimeout: HANDSHAKE_MS,
    pingInterval: 25_000,
    pingTimeout: 20_000,
    parser: { Encoder, Decoder: TextOnlyDecoder },
    wsEngine: BoundedWebSocketServer,
    ...(socketAdapter === undefined ? {} : { adapter: socketAdapter }),
    allowRequest(request, callback) {
      const address = door.readAddress(request)
      checkUpgrade(context, door, { request, address }).then(
        () => callback('', true),
        (thrown: unknown) => {
          const { code } = toAppError(thrown)
          metrics.handshakeRefused(code)
          context.security.refused(code, { address })
          callback(code, false)
        },
      )
    },
  })
  return io
}

/** Refuses an upgrade as cheaply as it can be: without a websocket and mostly without Redis. */
async function checkUpgrade(
  context: Context,
  door: Door,
  { request, address }: { request: IncomingMessage; address: string },
): Promise<void> {
  if (door.isShut) throw new AppError('UNAVAILABLE', 'This server is being stopped.')
  if (!context.isAllowedOrigin(request.headers.origin)) {
    throw new AppError('FORBIDDEN', 'This origin is not allowed.')
  }
  if (!door.places.hasRoom(address)) {
    throw new AppError('CONNECTION_LIMIT', 'There are too many connections.')
  }
  await context.guard.take('upgrade', address)
}

/** Upgrades that were checked at the same time may be more than there are places for. */
function takePlace(context: Context, door: Door, conn: Conn): Place | undefined {
  const { places } = door
  const { metrics, security, options } = context
  const address = door.readAddress(conn.request)
  const place: Place = { address, holder: 'waiting', close: () => conn.close(true) }
  if (!places.enter(place)) {
    metrics.handshakeRefused('CONNECTION_LIMIT')
    security.note('limit-hit', { address })
    conn.close(true)
    return undefined
  }
  const websocket = websocketOf(conn)
  websocket?.startMeter({
    ...createEarlyAllowance(options.limits),
    onFlood() {
      security.note('limit-hit', { address })
      websocket.terminate()
    },
  })
  conn.once('close', () => places.leave(place))
  return place
}

/**
 * Rejects requests that `allowRequest` does not see or would reject too late. Engine.IO skips it
 * for a request with the id of an open connection. With websocket only, no honest client sends one:
 * the id is another client's secret. An unsupported protocol version would be rejected only after
 * the upgrade, with bytes that are not a frame.
 */
function refuseOddRequests(io: ChatServer): void {
  io.engine.use((request: IncomingMessage, _response: unknown, next: (error?: Error) => void) => {
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams
    const isPlain = query.get('EIO') === '4' && !query.has('sid')
    next(isPlain ? undefined : new Error('only a new connection of version 4 is served'))
  })
}

/**
 * Engine.IO keeps the first request of each connection, although nothing reads it any more. With
 * its headers it takes a quarter of a connection's memory. Engine.IO's guide to memory usage allows
 * replacing it.
 */
function releaseRequests(io: ChatServer): void {
  const nothing = new IncomingMessage(new Socket())
  io.engine.on('connection', (conn: Conn) => {
    conn.request = nothing
  })
}

/**
 * Limits that Engine.IO does not expose. By default ws accepts 16,384 fragments per message and
 * allocates an object for each, even if they are empty. It also waits 30 s for the peer's close
 * frame, which a client that does not read never sends.
 */
export const BOUNDS = { maxFragments: 64, maxBufferedChunks: 4096, closeTimeout: 3000 }

class BoundedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, ...BOUNDS, WebSocket: MeteredWebSocket })
  }

  override handleUpgrade(...upgrade: Parameters<WebSocketServer['handleUpgrade']>): void {
    const [, socket] = upgrade
    // The socket belongs to the websocket now. The remaining listeners wait for the end of an HTTP
    // exchange that is over: Engine.IO's own, for middlewares that log responses, keeps the request
    // and its headers alive as long as the socket. Removing all of them also frees the enlarged
    // table of listeners.
    socket.removeAllListeners()
    super.handleUpgrade(...upgrade)
  }
}

type Listener = (packet: unknown) => void

/**
 * Decodes the protocol without binary attachments. No event of ours has any, and a packet that
 * announces some would have to be stored until they arrive. An invalid packet makes the decoder
 * throw, and Socket.IO closes that connection. Without attachments there is no state between
 * packets, so a connection holds a listener and no decoder.
 */
class TextOnlyDecoder {
  #onDecoded: Listener | undefined

  /** Socket.IO adds one listener, for `decoded`, which is the only event. */
  on(_event: 'decoded', listener: Listener): void {
    this.#onDecoded = listener
  }

  removeListener(): void {
    this.#onDecoded = undefined
  }

  add(chunk: unknown): void {
    const decoder = new Decoder({ maxAttachments: 0 })
    decoder.on('decoded', (packet) => this.#onDecoded?.(packet))
    decoder.add(chunk)
  }

  destroy(): void {
    this.#onDecoded = undefined
  }
}
