import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join, listen, type Listening } from './ports.ts'

export interface Balancer extends Listening {
  readonly url: string
}

const CONNECT_TIMEOUT_MS = 2000

/**
 * Passes each TCP connection to the next of `ports` that accepts it, like a load balancer without
 * stickiness. If a target accepts and then says nothing, the client has to give up on it.
 */
export async function startBalancer(
  ports: readonly number[],
  options: { port?: number } = {},
): Promise<Balancer> {
  let turn = 0

  async function connectNext(client: Socket): Promise<void> {
    for (let tries = 0; tries < ports.length && !client.destroyed; tries += 1) {
      turn += 1
      const upstream = connect(ports[turn % ports.length] ?? 0, '127.0.0.1').setNoDelay(true)
      upstream.on('error', () => upstream.destroy())
      const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS)
      const isOpen = await once(upstream, 'connect', { signal }).then(
        () => true,
        () => false,
      )
      if (!isOpen) {
        upstream.destroy()
        continue
      }
      upstream.once('close', () => client.resetAndDestroy())
      join(client, upstream)
      return
    }
    client.resetAndDestroy()
  }

  const server = createServer({ noDelay: true }, (client) => {
    client.on('error', () => client.destroy())
    void connectNext(client)
  })
  const listening = await listen(server, options)
  return { ...listening, url: `http://127.0.0.1:${listening.port}` }
}
