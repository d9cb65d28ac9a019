// Stands in for Grafana: reads what is provisioned as Grafana does, lists it over the same addresses,
// and passes queries on to the data source. It draws nothing.
import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parse } from 'yaml'

const PROVISIONING = '/etc/grafana/provisioning'
const PORT = 3000
const QUERY_TIMEOUT_MS = 10_000
const PROXY = /^\/api\/datasources\/proxy\/uid\/([^/]+)\/(.*)$/

function readProvisioned(kind) {
  const folder = join(PROVISIONING, kind)
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => parse(readFileSync(join(folder, name), 'utf8')))
}

function readDashboards(path) {
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(path, name), 'utf8')))
}

const datasources = readProvisioned('datasources').flatMap((file) => file.datasources)
const dashboards = readProvisioned('dashboards')
  .flatMap((file) => file.providers)
  .flatMap((provider) => readDashboards(provider.options.path))

const password = process.env.GF_SECURITY_ADMIN_PASSWORD || 'admin'
const login = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`

async function answer({ url, headers }) {
  if (url === '/api/health') return { database: 'ok', version: 'stand-in' }
  if (headers.authorization !== login) return undefined
  const { pathname, search } = new URL(url, 'http://grafana')
  const [, uid, rest] = PROXY.exec(pathname) ?? []
  if (uid) {
    const source = datasources.find((one) => one.uid === uid)
    const signal = globalThis.AbortSignal.timeout(QUERY_TIMEOUT_MS)
    return (await globalThis.fetch(`${source.url}/${rest}${search}`, { signal })).json()
  }
  if (pathname === '/api/datasources') return datasources
  if (pathname === '/api/search')
    return dashboards.map(({ title, uid: id }) => ({ title, uid: id }))
  const dashboard = dashboards.find((one) => pathname === `/api/dashboards/uid/${one.uid}`)
  return dashboard ? { dashboard } : {}
}

const server = createServer((request, response) => {
  answer(request).then(
    (body) => {
      response.writeHead(body === undefined ? 401 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body ?? { message: 'Unauthorized' }))
    },
    (error) => {
      response.writeHead(502)
      response.end(String(error))
    },
  )
})
server.listen(PORT)
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0))
