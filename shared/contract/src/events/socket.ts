import type { ClientData, ClientEvent, ClientPayload } from './client-events.ts'
import type { ErrorInfo } from '../errors.ts'
import type { ServerEvent, ServerPayload } from './server-events.ts'

/** The answer to every client event: exactly one, and never a thrown error. */
export type Ack<T> = { ok: true; data: T } | { ok: false; error: ErrorInfo }

/** Event maps in the form that Socket.IO's own types take. `typing` asks for no acknowledgement. */
export type ClientToServerEvents = {
  [E in ClientEvent]: (payload: ClientPayload<E>, ack: (answer: Ack<ClientData<E>>) => void) => void
}

export type ServerToClientEvents = {
  [E in ServerEvent]: (payload: ServerPayload<E>) => void
}

/** `auth` of the handshake. A token is never read from a URL: URLs end up in logs. */
export interface HandshakeAuth {
  token: string
}
