import { once } from 'node:events'
import { createServer, Socket, type Server } from 'node:net'
import { pipeline } from 'node:stream'
import { createLane, type LinkQuality } from './tcp-lane.ts'

/**
 * How a link fails. `refuse`: nothing listens any more and connections are reset. `reset`: it
 * listens, and resets whoever connects. `blackhole`: it accepts and keeps connections, and not a
 * byte passes.
 */
export type CutMode = 'refuse' | 'reset' | 'blackhole'

export interface TcpProxy {
  /** Stays the same over `cut('refuse')` and `restore()`. */
  readonly port: number
  /** Connections that are open through the proxy. */
  connections(): number
  /** Connections accepted since the start. */
  accepted(): number
  cut(mode: CutMode): Promise<void>
  /** Ends a cut. What a blackhole held back is dropped with its connection, as a network does. */
  restore(): Promise<void>
  /** One way, for both ways; for bytes that arrive from now on. */
  setLatency(latencyMs: number): void
  /** For each way of each connection; `undefined` is without limit. */
  setBandwidth(bytesPerSecond: number | undefined): void
  close(): Promise<void>
}

interface Pair {
  client: Socket
  upstream: Socket
}

/** Stands between a client and a real server, to be the network's faults. */
export async function startTcpProxy(
  target: { host?: string; port: number },
  listen: { port?: number } = {},
): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const quality: LinkQuality = { latencyMs: 0, bytesPerSecond: undefined, held: false }
  let mode: CutMode | undefined
  let accepted = 0

  function onConnection(client: Socket): void {
    accepted++
    client.on('error', () => client.destroy())
    if (mode === 'reset') {
      client.resetAndDestroy()
      return
    }
    const upstream = new Socket()
    const pair = { client, upstream }
    pairs.add(pair)
    pipeline(client, createLane(quality), upstream, createLane(quality), client, () => {
      pairs.delete(pair)
      upstream.destroy()
      // A server that refuses or resets looks to the client as it would without the proxy.
      if (!client.destroyed) client.resetAndDestroy()
    })
    upstream.setNoDelay(true)
    client.setNoDelay(true)
    upstream.connect(target.port, target.host ?? '127.0.0.1')
  }

  function dropAll(): void {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
    pairs.clear()
  }

  let server: Server | undefined = await listenOn(listen.port ?? 0, onConnection)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  const { port } = address

  async function stopListening(): Promise<void> {
    if (!server) return
    const closing = server
    server = undefined
    const closed = once(closing, 'close')
    closing.close()
    dropAll()
    await closed
  }

  return {
    port,
    connections: () => pairs.size,
    accepted: () => accepted,
    async cut(how) {
      mode = how
      quality.held = how === 'blackhole'
      if (how === 'refuse') await stopListening()
      if (how === 'reset') dropAll()
    },
    async restore() {
      if (mode === 'blackhole') dropAll()
      mode = undefined
      quality.held = false
      server ??= await listenOn(port, onConnection)
    },
    setLatency(latencyMs) {
      quality.latencyMs = latencyMs
    },
    setBandwidth(bytesPerSecond) {
      quality.bytesPerSecond = bytesPerSecond
    },
    close: stopListening,
  }
}

async function listenOn(port: number, onConnection: (client: Socket) => void): Promise<Server> {
  const server = createServer(onConnection)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
