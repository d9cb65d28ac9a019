import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { createHealth } from './health.ts'
import { startManagementServer } from './management-server.ts'
import { createMetrics } from '../metrics/metrics.ts'

async function withServer(
  run: (url: string, health: ReturnType<typeof createHealth>) => Promise<void>,
) {
  const health = createHealth({ cacheMs: 0 })
  const { registry } = createMetrics()
  const server = await startManagementServer(
    { registry, isReady: health.isReady },
    { host: '127.0.0.1', port: 0 },
  )
  try {
    await run(`http://127.0.0.1:${server.port}`, health)
  } finally {
    await server.stop()
  }
}

describe('the management port', () => {
  it('is alive before it is ready', async () => {
    await withServer(async (url, health) => {
      expect((await fetch(`${url}/healthz`)).status).toBe(200)
      const starting = await fetch(`${url}/readyz`)
      expect(starting.status).toBe(503)
      expect(await starting.json()).toMatchObject({ failing: ['process'] })
      health.start({ store: () => Promise.resolve() })
      expect((await fetch(`${url}/readyz?verbose`)).status).toBe(200)
    })
  })

  it('serves metrics and nothing else', async () => {
    await withServer(async (url) => {
      const metrics = await fetch(`${url}/metrics`)
      expect(metrics.headers.get('content-type')).toContain('text/plain')
      expect(await metrics.text()).toContain('chatbox_websocket_connections')
      expect((await fetch(`${url}/other`)).status).toBe(404)
      expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405)
      expect(await (await fetch(`${url}/healthz`, { method: 'HEAD' })).text()).toBe('')
    })
  })

  it('takes 100 connections, and closes the next ones at once', async () => {
    await withServer(async (url) => {
      const port = Number(new URL(url).port)
      const closed: unknown[] = []
      const sockets = Array.from({ length: 102 }, () => connect(port, '127.0.0.1'))
      for (const socket of sockets) {
        socket.on('error', () => undefined)
        socket.once('close', () => closed.push(socket))
      }
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      for (const socket of sockets.slice(0, 99)) socket.write('GET /healthz HTTP/1.1\r\n')
      while (closed.length < 2) await new Promise((resolve) => setImmediate(resolve))
      expect(closed).toHaveLength(2)
      for (const socket of sockets) socket.destroy()
    })
  })

  it('rejects a port that is taken, and lets go of its own', async () => {
    const { registry } = createMetrics()
    const deps = { registry, isReady: createHealth().isReady }
    const first = await startManagementServer(deps, { host: '127.0.0.1', port: 0 })
    const address = { host: '127.0.0.1', port: first.port }
    await expect(startManagementServer(deps, address)).rejects.toThrow('EADDRINUSE')
    await first.stop()
    const second = await startManagementServer(deps, address)
    await second.stop()
  })
})
