import { WebSocket } from 'ws'
import { Bucket, type BucketRule } from '../../edge/bucket.ts'
import { CALLS_PER_MESSAGE } from '../../edge/rate-guard.ts'
import type { GatewayOptions } from '../../context.ts'
import type { ChatSocket } from '../chat-socket.ts'

type Conn = ChatSocket['conn']

/** What one connection may send, whatever it is. */
export interface InboundRules {
  frames: BucketRule
  bytes: BucketRule
}

/** A connection may send this much, however low the rate limit of messages is. */
const LEAST_FRAMES = 1000
const LEAST_BYTES = 4 * 1024 * 1024
const MINUTE_S = 60
/** How long a client that floods may take to read why its connection ends. */
const HANG_UP_MS = 2000

/**
 * Returns more than anyone needs who keeps to the limits per user. Of all calls of a minute, one
 * connection may send those of two minutes at once, because a window may end between them. Its
 * bytes are those of a minute's messages, each of the greatest length.
 */
export function toInboundRules({
  rateLimit,
  maxMessageBytes,
}: Pick<GatewayOptions['limits'], 'rateLimit' | 'maxMessageBytes'>): InboundRules {
  const frames = Math.max(LEAST_FRAMES, rateLimit * CALLS_PER_MESSAGE)
  const bytes = Math.max(LEAST_BYTES, rateLimit * maxMessageBytes)
  return {
    frames: { capacity: 2 * frames, perSecond: frames / MINUTE_S },
    bytes: { capacity: bytes, perSecond: bytes / MINUTE_S },
  }
}

/** Control frames cost as much as messages: ws answers each ping. */
const INBOUND: ReadonlySet<string | symbol> = new Set(['message', 'ping', 'pong'])

interface Meter {
  conn: Conn
  frames: Bucket
  bytes: Bucket
}

/**
 * A websocket that counts each frame before anybody parses it. Refusing an event costs nearly as
 * much as serving it, so a flood must end below the protocol. When a bucket is empty, the websocket
 * passes on nothing more, and the connection gets the event `flood`.
 */
export class MeteredWebSocket extends WebSocket {
  #meter: Meter | undefined
  #isOver = false

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (INBOUND.has(event) && !this.#admits(values[0])) return false
    return super.emit(event, ...values)
  }

  /** Must be called before the first frame can come. */
  startMeter(conn: Conn, { frames, bytes }: InboundRules): void {
    const now = performance.now()
    this.#meter = { conn, frames: new Bucket(frames, now), bytes: new Bucket(bytes, now) }
  }

  /** Reads nothing more, and closes soon even if the client reads nothing either. */
  hangUp(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.readyState === WebSocket.OPEN) this.pause()
    setTimeout(() => this.terminate(), HANG_UP_MS).unref()
  }

  #admits(data: unknown): boolean {
    if (this.#isOver) return false
    if (!this.#meter) return true
    const { conn, frames, bytes } = this.#meter
    const now = performance.now()
    const length = Buffer.isBuffer(data) ? data.length : 0
    if (frames.take(1, now) && bytes.take(length, now)) return true
    this.hangUp()
    // Nobody listens before the handshake has admitted the connection.
    if (!conn.emit('flood')) this.terminate()
    return false
  }
}

/** Returns the websocket of a connection. Undefined for a transport that is not one. */
export function websocketOf({ transport }: Conn): MeteredWebSocket | undefined {
  const { socket } = transport as { socket?: unknown }
  return socket instanceof MeteredWebSocket ? socket : undefined
}
