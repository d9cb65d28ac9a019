import type { Clock } from '@chatbox/core'
import type { ChatServer, ChatSocket } from '../connection/types.ts'

export interface DrainOptions {
  /** All sockets are closed by then. */
  deadlineMs: number
}

/** At most twenty come back in a second, until that would take longer than the whole. */
const SPREAD_PER_SOCKET_MS = 50
/** Of however many, less than a tenth come back in any one second. */
const SPREAD_AT_MOST_MS = 12_000
const SLICE_MS = 50
const FLUSH_MS = 1000
const POLL_MS = 10

/**
 * Sends the clients away, each at a moment of its own, so that they come back evenly over some
 * seconds and not at once. Each is told its moment, and is disconnected then if it has not gone by
 * itself.
 */
export async function drainSockets(
  sockets: readonly Pick<ChatSocket, 'emit' | 'disconnect'>[],
  clock: Pick<Clock, 'random'>,
  options: DrainOptions,
): Promise<void> {
  const wantedMs = sockets.length * SPREAD_PER_SOCKET_MS
  const spreadMs = Math.min(wantedMs, SPREAD_AT_MOST_MS, options.deadlineMs)
  const departures = sockets.map((socket, index) => ({
    socket,
    atMs: Math.floor(((index + clock.random()) / sockets.length) * spreadMs),
  }))
  for (const { socket, atMs } of departures) {
    socket.emit('server:draining', { reconnectAfterMs: atMs })
  }
  const startedAt = performance.now()
  while (departures.length > 0) {
    await wait(SLICE_MS)
    const elapsedMs = performance.now() - startedAt
    while (departures[0] && departures[0].atMs <= elapsedMs) {
      departures.shift()?.socket.disconnect(true)
    }
  }
}

/**
 * Closes every socket once what was written to it has gone out, which a client that does not read
 * may hold up for a moment only. Closing the server at once would drop the last acknowledgements.
 */
export async function closeSockets(io: ChatServer): Promise<void> {
  const endsAt = performance.now() + FLUSH_MS
  for (const socket of localSockets(io)) socket.disconnect(true)
  while (io.engine.clientsCount > 0 && performance.now() < endsAt) await wait(POLL_MS)
}

/** Of this process alone: what is asked of a room goes to the other gateways too. */
export function localSockets(io: ChatServer): ChatSocket[] {
  return [...io.of('/').sockets.values()]
}

function wait(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
