import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Shared by all lanes of a proxy and changed while they run. */
export interface LinkQuality {
  latencyMs: number
  /** Each chunk is earlier or later than `latencyMs` by up to this; the order stays. */
  jitterMs: number
  bytesPerSecond: number | undefined
}

/** Small enough that a bandwidth limit passes a steady trickle instead of whole frames. */
const SLICE_BYTES = 1024
const MAX_IN_FLIGHT = 1024
const HELD_POLL_MS = 10

interface Late {
  chunk: Buffer
  dueAt: number
}

/**
 * One direction of one connection, for `stream.pipeline`: each chunk is late by the latency, without
 * the chunks behind it waiting for one another, as on a long line; then the bandwidth limit.
 */
export function createLane(
  quality: LinkQuality,
  isHeld: () => boolean,
): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* lane(source) {
    for await (const { chunk, dueAt } of readAhead(source, quality)) {
      await waitUntil(dueAt)
      while (isHeld()) await sleep(HELD_POLL_MS, undefined, { ref: false })
      yield* limited(chunk, quality)
    }
  }
}

/** Reads on while earlier chunks are on their way, up to a cap, and notes when each is due. */
async function* readAhead(
  source: AsyncIterable<Buffer>,
  quality: LinkQuality,
): AsyncGenerator<Late> {
  const late = new PassThrough({ objectMode: true, highWaterMark: MAX_IN_FLIGHT })
  const filling = pipeline(source, toLate, late)
  // The reader below sees the same failure; this promise of it must not go unhandled.
  filling.catch(() => undefined)
  yield* late

  async function* toLate(chunks: AsyncIterable<Buffer>): AsyncGenerator<Late> {
    for await (const chunk of chunks) {
      const { latencyMs, jitterMs } = quality
      const lateMs = latencyMs + (Math.random() * 2 - 1) * jitterMs
      yield { chunk, dueAt: performance.now() + Math.max(0, lateMs) }
    }
  }
}

async function* limited(chunk: Buffer, quality: LinkQuality): AsyncGenerator<Buffer> {
  for (let at = 0; at < chunk.length;) {
    const rate = quality.bytesPerSecond
    const slice = rate === undefined ? chunk.subarray(at) : chunk.subarray(at, at + SLICE_BYTES)
    if (rate !== undefined) {
      await sleep((slice.length / rate) * 1000, undefined, { ref: false })
    }
    at += slice.length
    yield slice
  }
}

async function waitUntil(dueAt: number): Promise<void> {
  const waitMs = dueAt - performance.now()
  if (waitMs > 0) await sleep(waitMs, undefined, { ref: false })
}
