import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { askHttp } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { waitUntil } from '../environment/wait-until.ts'

/** After so long without a byte a balancer takes a connection for dead: AWS and nginx. */
const BALANCER_IDLE_S = 60
/** The same of Google's, which nobody can change. */
const GOOGLE_IDLE_S = 600
const h = useGateway()

async function keepAliveOf(url: string): Promise<number> {
  const response = await askHttp(h, '/healthz', { url })
  return Number(/timeout=(\d+)/u.exec(response.headers.get('keep-alive') ?? '')?.[1])
}

function refusesConnections(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`, { headers: { connection: 'close' } }).then(
    () => false,
    () => true,
  )
}

describe('behind a load balancer', () => {
  it('an idle connection is closed by the balancer, not by the gateway', async () => {
    expect(await keepAliveOf(h.gateway.url)).toBeGreaterThan(BALANCER_IDLE_S)
    const behind = await h.startOther({ server: { trustedProxies: ['127.0.0.1'] } })
    expect(await keepAliveOf(behind.url)).toBeGreaterThan(GOOGLE_IDLE_S)
  })

  it('a quiet websocket has traffic twice before it counts as idle', async () => {
    const raw = await h.connectRaw()
    const hello = await raw.waitForFrame((frame) => frame.startsWith('0'))
    const { pingInterval } = JSON.parse(hello.slice(1)) as { pingInterval: number }
    expect(pingInterval).toBeLessThanOrEqual((BALANCER_IDLE_S * 1000) / 2)
  })

  it('a connection whose last request outlasts the stop does not hold it up', async () => {
    const asked = Promise.withResolvers<undefined>()
    const held = Promise.withResolvers<undefined>()
    const own = await h.startOther(
      { server: { trustedProxies: ['127.0.0.1'] } },
      {
        async isReady() {
          asked.resolve(undefined)
          await held.promise
          return { ready: true, checks: {}, failing: [] }
        },
      },
    )
    const socket = connect(own.port, '127.0.0.1')
    socket.write('GET /readyz HTTP/1.1\r\nHost: chat.example\r\n\r\n')
    await asked.promise
    let isStopped = false
    void own.stop().then(() => (isStopped = true))
    try {
      await waitUntil(() => refusesConnections(own.url))
      held.resolve(undefined)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toContain('200 OK')
      await waitUntil(() => isStopped)
    } finally {
      socket.destroy()
    }
  })
})
