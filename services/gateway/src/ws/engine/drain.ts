import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '@chatbox/core'
import type { ChatServer, ChatSocket } from '../chat-socket.ts'

export interface DrainOptions {
  /** The time after which all sockets are closed. */
  deadlineMs: number
}

/** Allows twenty reconnects per second, up to the longest spread. */
const SPREAD_PER_SOCKET_MS = 50
/** The longest spread: in any second, less than a tenth of the clients reconnect. */
const SPREAD_AT_MOST_MS = 12_000
/** The time in which a client may leave by itself. */
const GRACE_MS = 50
const FLUSH_MS = 1000
const POLL_MS = 10

/**
 * Sends each client away at its own time, so that they reconnect evenly over some seconds. Each
 * client is told its time and disconnected shortly after it.
 */
export async function drainSockets(
  sockets: readonly Pick<ChatSocket, 'emit' | 'disconnect'>[],
  clock: Pick<Clock, 'random'>,
  options: DrainOptions,
): Promise<void> {
  const wantedMs = sockets.length * SPREAD_PER_SOCKET_MS
  const lastMs = Math.max(0, options.deadlineMs - GRACE_MS)
  const spreadMs = Math.min(wantedMs, SPREAD_AT_MOST_MS, lastMs)
  const departures = sockets.map((socket, index) => {
    const atMs = Math.floor(((index + clock.random()) / sockets.length) * spreadMs)
    socket.emit('server:draining', { reconnectAfterMs: atMs })
    return new Promise<void>((resolve) => {
      setTimeout(() => {
        socket.disconnect(true)
        resolve()
      }, atMs + GRACE_MS)
    })
  })
  await Promise.all(departures)
}

/**
 * Closes every socket after its buffered data has been sent. A client that does not read delays
 * this only for a moment. Closing the server at once would drop the last acknowledgements.
 */
export async function closeSockets(io: ChatServer): Promise<void> {
  const endsAt = performance.now() + FLUSH_MS
  for (const socket of localSockets(io)) socket.disconnect(true)
  while (io.engine.clientsCount > 0 && performance.now() < endsAt) await sleep(POLL_MS)
}

/** Returns this process's sockets. A query of a room would also ask other gateways. */
export function localSockets(io: ChatServer): ChatSocket[] {
  return [...io.of('/').sockets.values()]
}
