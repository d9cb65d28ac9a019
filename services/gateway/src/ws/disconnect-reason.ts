import type { DisconnectReason } from '@chatbox/kit'

/**
 * Socket.IO's words for the end of a socket that no connection here closed for a reason of its own.
 * What the server closes beside those is a drain.
 */
const REASONS: Readonly<Record<string, DisconnectReason>> = {
  'client namespace disconnect': 'client-left',
  'transport close': 'connection-lost',
  'transport error': 'connection-lost',
  'ping timeout': 'ping-timeout',
  'parse error': 'protocol-error',
  'server namespace disconnect': 'drain',
  'server shutting down': 'drain',
  'forced close': 'drain',
  'forced server close': 'drain',
}

/** One of a closed set, whatever a later Socket.IO says. */
export function toDisconnectReason(reason: string): DisconnectReason {
  return REASONS[reason] ?? 'connection-lost'
}
