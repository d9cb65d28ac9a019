import { WebSocket } from 'ws'
import type { ChatSocket } from '../chat-socket.ts'
import type { Allowance } from './allowances.ts'

type Conn = ChatSocket['conn']

/** How long a client that floods may take to read why its connection ends. */
const HANG_UP_MS = 2000

/** Control frames cost as much as messages: ws answers each ping. */
const INBOUND: ReadonlySet<string | symbol> = new Set(['message', 'ping', 'pong'])

interface Meter extends Allowance {
  /** Called once, when there is nothing left. */
  onFlood(): void
}

/**
 * A websocket that counts each frame before anybody parses it. Refusing an event costs nearly as
 * much as serving it, so a flood must end below the protocol. When a bucket is empty, the websocket
 * passes on nothing more, and `onFlood` of its meter is called.
 */
export class MeteredWebSocket extends WebSocket {
  #meter: Meter | undefined
  #isOver = false

  /** ws gives at most two values with an event. Passing on a list of any would cost a copy each. */
  override emit(event: string | symbol, first?: unknown, second?: unknown): boolean {
    if (INBOUND.has(event) && !this.#admits(first)) return false
    return super.emit(event, first, second)
  }

  /** Must be called before the first frame can come. A later meter replaces the one before. */
  startMeter(meter: Meter): void {
    this.#meter = meter
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
    const { frames, bytes } = this.#meter
    const now = performance.now()
    const length = Buffer.isBuffer(data) ? data.length : 0
    if (frames.take(1, now) && bytes.take(length, now)) return true
    this.hangUp()
    this.#meter.onFlood()
    return false
  }
}

/** Returns the websocket of a connection. Undefined for a transport that is not one. */
export function websocketOf({ transport }: Conn): MeteredWebSocket | undefined {
  const { socket } = transport as { socket?: unknown }
  return socket instanceof MeteredWebSocket ? socket : undefined
}
