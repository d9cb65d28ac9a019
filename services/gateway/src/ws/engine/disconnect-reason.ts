import type { DisconnectReason } from '@chatbox/kit'

/**
 * Socket.IO's words for the end of a socket that no connection here closed for a reason of its own.
 * What the server closes beside those is a drain.
 */
const REASONS: Readonly<Record<string, DisconnectReason>> = {
  'client namespace disconnect': 'client-left',
  'transport close': 'connection-lost',
  'transport error': 'protocol-error',
  'ping timeout': 'ping-timeout',
  'parse error': 'protocol-error',
  'server namespace disconnect': 'drain',
  'server shutting down': 'drain',
  'forced close': 'drain',
  'forced server close': 'drain',
}

/** Engine.IO's words for a frame that could not be sent. */
const WRITE_ERROR = 'write error'

/**
 * One of a closed set, whatever a later Socket.IO says. `description` is what Socket.IO gives beside
 * the reason. A transport error is what its websocket has against a frame, such as its length,
 * unless it could not write one; a connection that breaks is a transport that closes.
 */
export function toDisconnectReason(reason: string, description?: unknown): DisconnectReason {
  if (description instanceof Error && description.message === WRITE_ERROR) return 'connection-lost'
  return REASONS[reason] ?? 'connection-lost'
}
