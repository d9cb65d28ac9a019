import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { signToken } from '../../../tests/environment/tokens.ts'

/** Bytes a second of one connection. */
const BYTES_PER_SECOND = 3_000_000
const TICK_MS = 10
/** How soon a connection that was closed comes back. */
const RETURN_MS = 250
/** The smallest event there is: 13 bytes with its header. */
const SMALL = toFrame('42["x"]')
const BURST = Buffer.concat(
  Array.from(
    { length: Math.ceil((BYTES_PER_SECOND * TICK_MS) / 1000 / SMALL.length) },
    () => SMALL,
  ),
)

export interface Flooder {
  /** From the first byte of each flood until its connection was closed. */
  readonly closedAfterMs: readonly number[]
  stop(): Promise<void>
}

/**
 * Sends small frames as one connection of a user, as fast as it is told, and comes back whenever it
 * is closed. It writes bytes and no websocket library's frames, so that it does not slow down the
 * clients of its own process, whose latency is measured.
 */
export function startFlooder(server: { port: number }, userId: string): Flooder {
  const closedAfterMs: number[] = []
  const state = { isStopped: false }

  async function flood(socket: Socket): Promise<void> {
    const startedAt = performance.now()
    while (!state.isStopped && !socket.destroyed) {
      socket.write(BURST)
      await sleep(TICK_MS)
    }
    if (!state.isStopped) closedAfterMs.push(performance.now() - startedAt)
    socket.destroy()
  }

  async function run(): Promise<void> {
    const token = await signToken({ sub: userId })
    while (!state.isStopped) {
      const socket = await upgrade(server.port)
      if (socket) {
        socket.write(toFrame(`40${JSON.stringify({ token })}`))
        await flood(socket)
      }
      await sleep(RETURN_MS)
    }
  }

  const running = run()
  return {
    closedAfterMs,
    async stop() {
      state.isStopped = true
      await running
    },
  }
}

/** Returns a socket that speaks websocket, undefined if the server refuses the upgrade. */
async function upgrade(port: number): Promise<Socket | undefined> {
  const asked = request({
    ...{ host: '127.0.0.1', port },
    path: '/chatbox/socket.io/?EIO=4&transport=websocket',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    },
  }).end()
  try {
    const [, socket] = (await once(asked, 'upgrade')) as [unknown, Socket]
    socket.on('error', () => undefined).resume()
    return socket
  } catch {
    return undefined
  }
}

/** Returns a text frame of a client, masked with zeros (RFC 6455, 5.2). */
function toFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const length =
    payload.length < 126
      ? [0x80 | payload.length]
      : [0x80 | 126, payload.length >> 8, payload.length & 0xff]
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload])
}
