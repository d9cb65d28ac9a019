import { setTimeout as sleep } from 'node:timers/promises'

/** Shared by all lanes of a proxy and changed while they run. */
export interface LinkQuality {
  latencyMs: number
  bytesPerSecond: number | undefined
  /** Nothing passes. */
  held: boolean
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
): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* lane(source) {
    for await (const { chunk, dueAt } of readAhead(source, quality)) {
      await waitUntil(dueAt)
      while (quality.held) await sleep(HELD_POLL_MS, undefined, { ref: false })
      yield* limited(chunk, quality)
    }
  }
}

/** Reads on while earlier chunks are on their way, up to a cap, and notes when each is due. */
async function* readAhead(
  source: AsyncIterable<Buffer>,
  quality: LinkQuality,
): AsyncGenerator<Late> {
  const queue: Late[] = []
  let ended = false
  let failure: unknown
  let wake = Promise.withResolvers<undefined>()
  let room = Promise.withResolvers<undefined>()
  async function fill(): Promise<void> {
    try {
      for await (const chunk of source) {
        queue.push({ chunk, dueAt: performance.now() + quality.latencyMs })
        wake.resolve(undefined)
        if (queue.length >= MAX_IN_FLIGHT) await room.promise
      }
    } catch (error) {
      failure = error
    }
    ended = true
    wake.resolve(undefined)
  }
  const filling = fill()
  for (;;) {
    const next = queue.shift()
    if (next) {
      room.resolve(undefined)
      room = Promise.withResolvers()
      yield next
    } else if (ended) {
      break
    } else {
      await wake.promise
      wake = Promise.withResolvers()
    }
  }
  await filling
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error('link failed')
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
