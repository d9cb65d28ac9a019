import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '@chatbox/core'
import type { ChatServer, ChatSocket } from '../chat-socket.ts'

export interface DrainOptions {
  /** All sockets are closed by then. */
  deadlineMs: number
}

/** At most twenty come back in a second, until that would take longer than the whole. */
const SPREAD_PER_SOCKET_MS = 50
/** Of however many, less than a tenth come back in any one second. */
const SPREAD_AT_MOST_MS = 12_000
/** For a client to go by itself. */
const GRACE_MS = 50
const FLUSH_MS = 1000
const POLL_MS = 10

/**
 * Sends the clients away, each at a moment of its own, so that they come back evenly over some
 * seconds and not at once. Each is told its moment, and is disconnected shortly after it if it has not
 * gone by itself.
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
 * Closes every socket once what was written to it has gone out, which a client that does not read
 * may hold up for a moment only. Closing the server at once would drop the last acknowledgements.
 */
export async function closeSockets(io: ChatServer): Promise<void> {
  const endsAt = performance.now() + FLUSH_MS
  for (const socket of localSockets(io)) socket.disconnect(true)
  while (io.engine.clientsCount > 0 && performance.now() < endsAt) await sleep(POLL_MS)
}

/** Of this process alone: what is asked of a room goes to the other gateways too. */
export function localSockets(io: ChatServer): ChatSocket[] {
  return [...io.of('/').sockets.values()]
}
