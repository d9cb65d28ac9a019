/**
 * Limits for bytes that wait for a slow client. Above the soft limit the client gets no more
 * deltas; it detects the gap and catches up when it reads again. Above the hard limit it is
 * disconnected. The same amount again may be in the transport, which is flushed as a whole.
 *
 * The hard limit does not count the longest waiting packet. A single answer may exceed the limit,
 * because 200,000 characters take up to 1.2 MB, and that alone does not make a client slow.
 */
export const SOFT_LIMIT_BYTES = 128 * 1024
export const HARD_LIMIT_BYTES = 1024 * 1024

/** Counts the bytes that wait in one connection. */
export class OutboundMeter {
  #waitingBytes = 0
  #longestBytes = 0

  /** Counts a packet that joins the waiting ones. */
  add(packet: { data?: unknown }): void {
    if (typeof packet.data !== 'string') return
    const bytes = Buffer.byteLength(packet.data)
    this.#waitingBytes += bytes
    if (bytes > this.#longestBytes) this.#longestBytes = bytes
  }

  /** Resets the count after a flush. */
  clear(): void {
    this.#waitingBytes = 0
    this.#longestBytes = 0
  }

  isCongested(): boolean {
    return this.#waitingBytes > SOFT_LIMIT_BYTES
  }

  /** Must be asked before another packet is added, because that packet may still go out at once. */
  isOverflowing(): boolean {
    return this.#waitingBytes - this.#longestBytes > HARD_LIMIT_BYTES
  }
}
