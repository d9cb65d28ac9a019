import express, { type Router } from 'express'
import type { GatewayPorts } from '../options.ts'

/** Liveness without any I/O, and readiness with the state of each dependency. */
export function createHealthRoutes({ isReady }: Pick<GatewayPorts, 'isReady'>): Router {
  const router = express.Router()
  router.get('/healthz', (_request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    response.json({ status: 'ok' })
  })
  router.get('/readyz', async (_request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    const { ready, checks } = await isReady()
    response.status(ready ? 200 : 503).json({ ready, checks })
  })
  return router
}
