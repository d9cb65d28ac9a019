import type { ClientToServerEvents, ServerToClientEvents, User } from '@chatbox/contract'
import type { Server, ServerOptions, Socket } from 'socket.io'
import type { Identity } from '../usecases/caller.ts'

/** No gateway calls another one through Socket.IO. */
type NoEvents = Record<string, never>

interface SocketData {
  /** Both set by the handshake; a socket without them is never connected. */
  user: User
  /** The end of the token, in ms since the epoch. */
  expiresAtMs: number
}

export type ChatServer = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>

/** What carries room events to the other gateways. */
export type SocketAdapter = ServerOptions['adapter']

/** Whom a socket is for from now on. */
export function setIdentity(socket: ChatSocket, { user, expiresAt }: Identity): void {
  socket.data.user = user
  socket.data.expiresAtMs = expiresAt.getTime()
}

/** The room of everybody who has the session open, on every gateway. */
export function sessionRoom(sessionId: string): string {
  return `session:${sessionId}`
}

/** The room of every connection of one user, on every gateway. */
export function userRoom(userId: string): string {
  return `user:${userId}`
}
