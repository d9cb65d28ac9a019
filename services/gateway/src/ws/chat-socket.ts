import type { ClientToServerEvents, ServerToClientEvents, User } from '@chatbox/contract'
import type { Payer } from '@chatbox/core'
import type { Server, ServerOptions, Socket } from 'socket.io'
import type { Identity } from '../usecases/caller.ts'

/** Gateways do not call each other through Socket.IO. */
type NoEvents = Record<string, never>

interface SocketData {
  /**
   * Set by the handshake, like the times. A socket without them is never connected. The object
   * stays the same when a newer token changes it, so that nobody holds the roles of an older one.
   */
  user: User
  /** The expiry of the token, in ms since the epoch. */
  expiresAtMs: number
  /** When the token was issued, in ms since the epoch; undefined if it does not say. */
  issuedAtMs: number | undefined
  /** Set once, because the address of a connection does not change. */
  payer: Payer | undefined
  lane: string
}

export type ChatServer = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>

/** The adapter that carries room events to the other gateways. */
export type SocketAdapter = ServerOptions['adapter']

export function setIdentity(socket: ChatSocket, identity: Identity): void {
  socket.data.user = identity.user
  setTimes(socket, identity)
}

/** Changes the user in place: who has waited since before the newer token sees its roles. */
export function renewIdentity(socket: ChatSocket, identity: Identity): void {
  Object.assign(socket.data.user, identity.user)
  setTimes(socket, identity)
}

function setTimes({ data }: ChatSocket, { issuedAtMs, expiresAt }: Identity): void {
  data.issuedAtMs = issuedAtMs
  data.expiresAtMs = expiresAt.getTime()
}
