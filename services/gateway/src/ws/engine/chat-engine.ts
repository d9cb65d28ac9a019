import { IncomingMessage, type Server as HttpServer } from 'node:http'
import { Socket } from 'node:net'
import { Server } from 'socket.io'
import { Decoder, Encoder } from 'socket.io-parser'
import { WebSocketServer, type ServerOptions } from 'ws'
import type { Context } from '../../context.ts'
import { createAddressReader, toAddressKey } from '../../edge/client-address.ts'
import type { ChatServer, ChatSocket } from '../chat-socket.ts'

type Conn = ChatSocket['conn']

/** Socket.IO over websocket only. */
export interface ChatEngine {
  io: ChatServer
  /** Takes the upgrades of a server, in front of its other listeners, which must be there already. */
  attach(httpServer: HttpServer): void
  /** Lets nobody in any more. */
  shut(): void
  /** What a new connection is counted by. Forgets it: nobody asks again after the handshake. */
  takeAddress(conn: Conn): string
}

export function createChatEngine(context: Context): ChatEngine {
  const gate = { isShut: false }
  const io = createServer(context, gate)
  const readAddress = createAddressReader(context.options.server.trustedProxies)
  const addresses = new WeakMap<Conn, string>()
  return {
    io,
    attach(httpServer) {
      io.attach(httpServer)
      refuseOddRequests(io)
      releaseRequests(io, (conn) => addresses.set(conn, readAddress(conn.request)))
    },
    shut() {
      gate.isShut = true
    },
    takeAddress(conn) {
      const address = addresses.get(conn)
      addresses.delete(conn)
      return address ?? toAddressKey(undefined)
    },
  }
}

function createServer(context: Context, gate: { isShut: boolean }): ChatServer {
  const { options, metrics, socketAdapter } = context
  const refuse = (code: string, callback: (message: string, isAllowed: boolean) => void) => {
    metrics.handshakeRefused(code)
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
    parser: { Encoder, Decoder: TextOnlyDecoder },
    wsEngine: BoundedWebSocketServer,
    ...(socketAdapter === undefined ? {} : { adapter: socketAdapter }),
    allowRequest(request, callback) {
      if (gate.isShut) refuse('UNAVAILABLE', callback)
      else if (!context.isAllowedOrigin(request.headers.origin)) refuse('FORBIDDEN', callback)
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
function releaseRequests(io: ChatServer, onRequest: (conn: Conn) => void): void {
  const nothing = new IncomingMessage(new Socket())
  io.engine.on('connection', (conn: Conn) => {
    onRequest(conn)
    conn.request = nothing
  })
}

/**
 * Bounds that Engine.IO does not hand through. ws by default takes 16,384 fragments a message, and
 * an object for each, from a sender of empty ones; and it waits 30 s for the peer's close frame,
 * which one that does not read never sends.
 */
const BOUNDS = { maxFragments: 64, maxBufferedChunks: 4096, closeTimeout: 3000 }

class BoundedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, ...BOUNDS })
  }

  override handleUpgrade(...upgrade: Parameters<WebSocketServer['handleUpgrade']>): void {
    const [, socket] = upgrade
    // The socket is ours now, and who still listens to it waits for the end of an HTTP exchange that
    // is over: Engine.IO does, for middlewares that log responses, and so keeps the request with its
    // headers as long as the socket. All at once, as this drops the grown table of listeners too.
    socket.removeAllListeners()
    super.handleUpgrade(...upgrade)
  }
}

type Listener = (packet: unknown) => void

/**
 * The protocol without binary attachments: no event of ours has one, and a packet that announces
 * some would have to be kept until they arrive. Whatever is not a packet makes the decoder throw,
 * and Socket.IO closes that connection. Without attachments nothing is kept from one packet to the
 * next, so each connection holds a listener and no decoder.
 */
class TextOnlyDecoder {
  #onDecoded: Listener | undefined

  /** Socket.IO listens once, to `decoded`, the one event that there is. */
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
