import type { ChatSocket } from './types.ts'

/**
 * Bytes that wait for a client that reads slower than we write. From the soft limit on the client
 * gets no more deltas: it sees the hole and catches up once it reads again. At the hard limit it is
 * disconnected. As much again may be on its way in the transport, which is flushed as a whole.
 */
const SOFT_LIMIT_BYTES = 128 * 1024
const HARD_LIMIT_BYTES = 1024 * 1024

export interface Outbound {
  isCongested: () => boolean
}

/** `onOverflow` closes the connection, which then sends no more packets. */
export function watchOutbound(conn: ChatSocket['conn'], onOverflow: () => void): Outbound {
  let waitingBytes = 0
  conn.on('packetCreate', (packet: { data?: unknown }) => {
    // What waits now could not be flushed; this packet may still go out at once.
    if (waitingBytes > HARD_LIMIT_BYTES) onOverflow()
    if (typeof packet.data === 'string') waitingBytes += Buffer.byteLength(packet.data)
  })
  conn.on('flush', () => {
    waitingBytes = 0
  })
  return { isCongested: () => waitingBytes > SOFT_LIMIT_BYTES }
}
