import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { proxyUpgrade, createProxyServer } from 'httpxy'

export interface RoundRobin {
  readonly port: number
  readonly url: string
  stop(): Promise<void>
}

const UPGRADE_TIMEOUT_MS = 5000

/**
 * A reverse proxy on 127.0.0.1 that gives each request and each websocket to the next of `targets`
 * in turn, without stickiness: as a load balancer in front of several gateways may do. A target
 * that does not answer costs its caller a 502; the caller's next try lands on another one.
 */
export async function startRoundRobin(
  targets: readonly string[],
  options: { port?: number } = {},
): Promise<RoundRobin> {
  let turn = 0
  const next = (): string => {
    turn += 1
    return targets[turn % targets.length] ?? ''
  }
  const proxy = createProxyServer({ xfwd: true })
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    proxy.web(request, response, { target: next() }).catch(() => {
      if (!response.headersSent) response.writeHead(502)
      response.end()
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request, socket, head) => {
    const settings = { xfwd: true, upgradeTimeout: UPGRADE_TIMEOUT_MS }
    // The library passes a refusal on to the browser itself; without a gateway there is no answer.
    if (socket instanceof Socket) {
      proxyUpgrade(next(), request, socket, head, settings).catch(() => socket.destroySoon())
    }
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return address.port
}
