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

/** What waits in one connection. */
export class OutboundMeter {
  #waitingBytes = 0

  /** Of a packet that is put behind what waits. */
  add(packet: { data?: unknown }): void {
    if (typeof packet.data === 'string') this.#waitingBytes += Buffer.byteLength(packet.data)
  }

  /** Everything that waited is on its way. */
  clear(): void {
    this.#waitingBytes = 0
  }

  isCongested(): boolean {
    return this.#waitingBytes > SOFT_LIMIT_BYTES
  }

  /** Asked before another packet is added, which may still go out at once. */
  isOverflowing(): boolean {
    return this.#waitingBytes > HARD_LIMIT_BYTES
  }
}
