import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { Health } from './health.ts'

interface ManagementDeps {
  registry: Registry
  isReady: Health['isReady']
}

export interface ManagementServer {
  port: number
  stop(): Promise<void>
}

/** More than any number of probes and scrapers need. */
export const MAX_CONNECTIONS = 100

/** Serves `/metrics`, `/healthz` and `/readyz` on a port that must not be public. */
export async function startManagementServer(
  deps: ManagementDeps,
  address: { host: string; port: number },
): Promise<ManagementServer> {
  const server = createServer((request, response) => {
    void answer(deps, request, response)
  })
  server.requestTimeout = 5000
  // Ends what a client does not read.
  server.timeout = 30_000
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound ? bound.port : address.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Answer {
  status: number
  type: string
  body: string
}

async function answer(
  deps: ManagementDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body } = await route(deps, request).catch(() => text(500, 'not available'))
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function route({ registry, isReady }: ManagementDeps, request: IncomingMessage) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET')
  const [path = ''] = (request.url ?? '').split('?')
  switch (path) {
    case '/healthz':
      return json(200, { alive: true })
    case '/readyz': {
      const result = await isReady()
      return json(result.ready ? 200 : 503, result)
    }
    case '/metrics':
      return { status: 200, type: registry.contentType, body: await registry.metrics() }
    default:
      return text(404, 'not here')
  }
}

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) }
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain', body: `${body}\n` }
}
