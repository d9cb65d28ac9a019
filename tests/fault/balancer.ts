import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Balancer {
  readonly port: number
  stop(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2000

/**
 * Gives each TCP connection to the next of `ports` that accepts one, as a load balancer without
 * stickiness does. It looks no further than that: a target that accepts and says nothing is its
 * client's to give up on.
 */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer((client) => {
    track(client)
    void join(client)
  })

  function track(socket: Socket): void {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  }

  async function join(client: Socket): Promise<void> {
    for (let tries = 0; tries < ports.length && !client.destroyed; tries += 1) {
      turn += 1
      const upstream = connect(ports[turn % ports.length] ?? 0, '127.0.0.1')
      track(upstream)
      const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS)
      const isOpen = await once(upstream, 'connect', { signal }).then(
        () => true,
        () => false,
      )
      if (!isOpen) {
        upstream.destroy()
        continue
      }
      client.pipe(upstream)
      upstream.pipe(client)
      client.once('close', () => upstream.destroy())
      upstream.once('close', () => client.resetAndDestroy())
      return
    }
    client.resetAndDestroy()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return {
    port: address.port,
    async stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
