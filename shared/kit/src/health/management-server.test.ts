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
