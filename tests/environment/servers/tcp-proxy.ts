import { createServer, Socket } from 'node:net'
import { PassThrough, pipeline } from 'node:stream'
import { pipeline as pipelineOf } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen, type Listening } from './ports.ts'

/**
 * How a link fails. `refuse`: nothing listens and connections are reset. `reset`: it listens and
 * resets every connection. `blackhole`: it accepts and keeps connections, but no byte passes.
 * `stall`: like a blackhole, but the held bytes arrive when it ends, however late.
 */
export type CutMode = 'refuse' | 'reset' | 'blackhole' | 'stall'

/** Bytes to the server, to the client, or both. */
type CutWay = 'up' | 'down' | 'both'

export interface TcpProxy {
  /** Stays the same after `cut('refuse')` and `restore()`. */
  readonly port: number
  /** The number of open connections. */
  connections(): number
  /** The number of connections accepted since the start. */
  accepted(): number
  /** `way` matters only for a blackhole and a stall. */
  cut(mode: CutMode, way?: CutWay): Promise<void>
  /** Ends a cut. Like a real network, it drops the connections of a blackhole with their bytes. */
  restore(): Promise<void>
  /** Blackholes the open connections only, like a lost NAT entry. New connections work. */
  freeze(): void
  /**
   * The latency of each direction, plus or minus the jitter. Applies to bytes that arrive from now
   * on.
   */
  setLatency(latencyMs: number, jitterMs?: number): void
  /** The limit for each direction of each connection; `undefined` is unlimited. */
  setBandwidth(bytesPerSecond: number | undefined): void
  close(): Promise<void>
}

interface Pair {
  client: Socket
  upstream: Socket
  frozen: boolean
}

interface Target {
  host?: string
  port: number
}

/** A proxy between a client and a real server that simulates network faults. */
export async function startTcpProxy(
  target: Target,
  listen: { port?: number } = {},
): Promise<TcpProxy> {
  const proxy = new FaultyLink(target)
  await proxy.open(listen.port ?? 0)
  return proxy
}

class FaultyLink implements TcpProxy {
  readonly #target: Target
  readonly #pairs = new Set<Pair>()
  readonly #quality: LinkQuality = { latencyMs: 0, jitterMs: 0, bytesPerSecond: undefined }
  #mode: CutMode | undefined
  #way: CutWay = 'both'
  #accepted = 0
  #listening: Listening | undefined
  port = 0

  constructor(target: Target) {
    this.#target = target
  }

  async open(port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (client) => this.#onConnection(client))
    this.#listening = await listen(server, { port })
    this.port = this.#listening.port
  }

  connections(): number {
    return this.#pairs.size
  }

  accepted(): number {
    return this.#accepted
  }

  async cut(mode: CutMode, way: CutWay = 'both'): Promise<void> {
    this.#mode = mode
    this.#way = way
    if (mode === 'refuse') await this.#stopListening()
    if (mode === 'reset') this.#dropAll()
  }

  async restore(): Promise<void> {
    if (this.#mode === 'blackhole') this.#dropAll()
    this.#mode = undefined
    if (!this.#listening) await this.open(this.port)
  }

  freeze(): void {
    for (const pair of this.#pairs) pair.frozen = true
  }

  setLatency(latencyMs: number, jitterMs = 0): void {
    this.#quality.latencyMs = latencyMs
    this.#quality.jitterMs = jitterMs
  }

  setBandwidth(bytesPerSecond: number | undefined): void {
    this.#quality.bytesPerSecond = bytesPerSecond
  }

  async close(): Promise<void> {
    await this.#stopListening()
  }

  #onConnection(client: Socket): void {
    this.#accepted++
    client.on('error', () => client.destroy())
    if (this.#mode === 'reset') {
      client.resetAndDestroy()
      return
    }
    const upstream = new Socket()
    const pair: Pair = { client, upstream, frozen: false }
    this.#pairs.add(pair)
    const lane = (way: CutWay): ReturnType<typeof createLane> =>
      createLane(this.#quality, () => pair.frozen || this.#holds(way))
    pipeline(client, lane('up'), upstream, lane('down'), client, () => {
      this.#pairs.delete(pair)
      upstream.destroy()
      // The client sees a server that refuses or resets as it would without the proxy.
      if (!client.destroyed) client.resetAndDestroy()
    })
    upstream.setNoDelay(true)
    upstream.connect(this.#target.port, this.#target.host ?? '127.0.0.1')
  }

  #holds(way: CutWay): boolean {
    const isHolding = this.#mode === 'blackhole' || this.#mode === 'stall'
    return isHolding && (this.#way === 'both' || this.#way === way)
  }

  async #stopListening(): Promise<void> {
    const listening = this.#listening
    this.#listening = undefined
    this.#dropAll()
    await listening?.close()
  }

  #dropAll(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
    this.#pairs.clear()
  }
}

/** Shared by all lanes of a proxy; changes while they run. */
interface LinkQuality {
  latencyMs: number
  /** The largest deviation of a chunk from `latencyMs`. The order stays. */
  jitterMs: number
  bytesPerSecond: number | undefined
}

/** Small enough that a bandwidth limit passes a steady flow instead of whole frames. */
const SLICE_BYTES = 1024
const MAX_IN_FLIGHT = 1024
const HELD_POLL_MS = 10

interface Late {
  chunk: Buffer
  dueAt: number
}

/**
 * One direction of one connection, for `stream.pipeline`. It delays each chunk by the latency
 * without holding up the next ones, as on a long line, and then limits the bandwidth.
 */
function createLane(
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

/** Keeps reading while earlier chunks are delayed, up to a cap, and records when each is due. */
async function* readAhead(
  source: AsyncIterable<Buffer>,
  quality: LinkQuality,
): AsyncGenerator<Late> {
  const late = new PassThrough({ objectMode: true, highWaterMark: MAX_IN_FLIGHT })
  const filling = pipelineOf(source, toLate, late)
  // The reader below handles the same failure. This promise must not be reported as unhandled.
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
