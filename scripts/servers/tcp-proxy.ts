import { once } from 'node:events'
import { createServer, Socket, type Server } from 'node:net'
import { pipeline } from 'node:stream'
import { createLane, type LinkQuality } from './tcp-lane.ts'

/**
 * How a link fails. `refuse`: nothing listens any more and connections are reset. `reset`: it
 * listens, and resets whoever connects. `blackhole`: it accepts and keeps connections, and not a
 * byte passes. `stall`: as a blackhole, but what it held back arrives once it ends, however late.
 */
export type CutMode = 'refuse' | 'reset' | 'blackhole' | 'stall'

/** Bytes to the server, to the client, or both. */
type CutWay = 'up' | 'down' | 'both'

export interface TcpProxy {
  /** Stays the same over `cut('refuse')` and `restore()`. */
  readonly port: number
  /** Connections that are open through the proxy. */
  connections(): number
  /** Connections accepted since the start. */
  accepted(): number
  /** `way` matters to a blackhole and a stall only. */
  cut(mode: CutMode, way?: CutWay): Promise<void>
  /** Ends a cut. What a blackhole held back is dropped with its connection, as a network does. */
  restore(): Promise<void>
  /** What is open now passes nothing any more; new connections are whole: a lost NAT entry. */
  freeze(): void
  /** One way, for both ways, give or take the jitter; for bytes that arrive from now on. */
  setLatency(latencyMs: number, jitterMs?: number): void
  /** For each way of each connection; `undefined` is without limit. */
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

/** Stands between a client and a real server, to be the network's faults. */
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
  #server: Server | undefined
  port = 0

  constructor(target: Target) {
    this.#target = target
  }

  async open(port: number): Promise<void> {
    this.#server = await listenOn(port, (client) => this.#onConnection(client))
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
    this.port = address.port
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
    if (!this.#server) await this.open(this.port)
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
      // A server that refuses or resets looks to the client as it would without the proxy.
      if (!client.destroyed) client.resetAndDestroy()
    })
    upstream.setNoDelay(true)
    client.setNoDelay(true)
    upstream.connect(this.#target.port, this.#target.host ?? '127.0.0.1')
  }

  #holds(way: CutWay): boolean {
    const isHolding = this.#mode === 'blackhole' || this.#mode === 'stall'
    return isHolding && (this.#way === 'both' || this.#way === way)
  }

  async #stopListening(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    this.#dropAll()
    await closed
  }

  #dropAll(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
    this.#pairs.clear()
  }
}

async function listenOn(port: number, onConnection: (client: Socket) => void): Promise<Server> {
  const server = createServer(onConnection)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
