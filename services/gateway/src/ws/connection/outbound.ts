/**
 * Bytes that wait for a client that reads slower than we write. From the soft limit on the client
 * gets no more deltas: it sees the hole and catches up once it reads again. At the hard limit it is
 * disconnected. As much again may be on its way in the transport, which is flushed as a whole.
 *
 * The hard limit counts without the longest packet that waits: an answer may be longer than the limit
 * by itself, since 200,000 characters take up to 1.2 MB, and whoever was sent one is not slow yet.
 */
const SOFT_LIMIT_BYTES = 128 * 1024
const HARD_LIMIT_BYTES = 1024 * 1024

/** What waits in one connection. */
export class OutboundMeter {
  #waitingBytes = 0
  #longestBytes = 0

  /** Of a packet that is put behind what waits. */
  add(packet: { data?: unknown }): void {
    if (typeof packet.data !== 'string') return
    const bytes = Buffer.byteLength(packet.data)
    this.#waitingBytes += bytes
    if (bytes > this.#longestBytes) this.#longestBytes = bytes
  }

  /** Everything that waited is on its way. */
  clear(): void {
    this.#waitingBytes = 0
    this.#longestBytes = 0
  }

  isCongested(): boolean {
    return this.#waitingBytes > SOFT_LIMIT_BYTES
  }

  /** Asked before another packet is added, which may still go out at once. */
  isOverflowing(): boolean {
    return this.#waitingBytes - this.#longestBytes > HARD_LIMIT_BYTES
  }
}
