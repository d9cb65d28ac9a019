import type { ClientToServerEvents, ServerToClientEvents } from '@chatbox/contract'
import type { Server, ServerOptions, Socket } from 'socket.io'
import type { Identity } from '../usecases/refresh-token.ts'

/** No gateway calls another one through Socket.IO. */
type NoEvents = Record<string, never>

interface SocketData {
  /** Set by the handshake; a socket without it is never connected. */
  identity: Identity
}

export type ChatServer = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>

/** What carries room events to the other gateways. */
export type SocketAdapter = ServerOptions['adapter']
