import type { RedisOptions } from 'ioredis'

interface Node {
  host: string
  port: number
}

type Access = Pick<RedisOptions, 'username' | 'password' | 'db' | 'tls' | 'sentinelPassword'>

/** Where Redis is. `access` is the same for every node. */
export type RedisAddress =
  | { kind: 'single'; node: Node; access: Access }
  | { kind: 'sentinel'; nodes: Node[]; name: string; access: Access }
  | { kind: 'cluster'; nodes: Node[]; access: Access }

const DEFAULT_PORT = { single: 6379, sentinel: 26_379, cluster: 6379 }
const MAX_NODES = 100

/**
 * Reads one of these forms; `rediss` in place of `redis` means TLS, certificates checked:
 *
 * - `redis://[user:password@]host[:port][/db]`
 * - `redis+sentinel://[user:password@]host[:port],host[:port]/name[/db][?sentinelPassword=…]`
 * - `redis+cluster://[user:password@]host[:port],host[:port]`
 *
 * User and password are percent-encoded, an IPv6 host is in brackets. Throws an error that says
 * what is wrong without repeating the address: it may hold a password.
 */
export function parseRedisAddress(url: string): RedisAddress {
  const form = FORM.exec(url.trim())?.groups
  if (!form) throw new Error('is not a redis://, redis+sentinel:// or redis+cluster:// address')
  const kind = toKind(form.kind)
  const nodes = (form.hosts ?? '').split(',').map((host) => parseNode(host, DEFAULT_PORT[kind]))
  if (nodes.length > MAX_NODES) throw new Error(`names more than ${MAX_NODES} hosts`)
  const access: Access = {
    ...parseCredentials(form.credentials),
    ...(form.secure ? { tls: {} } : {}),
    ...parseQuery(form.query ?? ''),
  }
  const parts = (form.path ?? '').split('/').filter((part) => part !== '')
  return TO_ADDRESS[kind](nodes, parts, access)
}

const FORM =
  /^redis(?<secure>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<credentials>[^@/]*)@)?(?<hosts>[^@/?]+)(?<path>[^?]*)(?<query>\?.*)?$/

function toKind(text: string | undefined): RedisAddress['kind'] {
  return text === 'sentinel' || text === 'cluster' ? text : 'single'
}

const TO_ADDRESS: Record<
  RedisAddress['kind'],
  (nodes: Node[], parts: string[], access: Access) => RedisAddress
> = {
  single([node, ...more], parts, access) {
    if (!node || more.length > 0) {
      throw new Error('names several hosts: use redis+sentinel:// or redis+cluster://')
    }
    return { kind: 'single', node, access: { ...access, ...parseDb(parts) } }
  },
  sentinel(nodes, [name, ...parts], access) {
    if (!name) throw new Error('lacks the name of the Sentinel group after the hosts')
    return { kind: 'sentinel', nodes, name, access: { ...access, ...parseDb(parts) } }
  },
  cluster(nodes, parts, access) {
    if (parts.length > 0) throw new Error('names a database, which a cluster does not have')
    return { kind: 'cluster', nodes, access }
  },
}

function parseNode(text: string, defaultPort: number): Node {
  const form = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text.trim())
  const host = form?.[1] ?? form?.[2]
  const port = form?.[3] === undefined ? defaultPort : Number(form[3])
  if (!host || port < 1 || port > 65_535) throw new Error('has a host or port that is not one')
  return { host, port }
}

function parseCredentials(text: string | undefined): Access {
  if (!text) return {}
  const colon = text.indexOf(':')
  const username = decode(colon < 0 ? text : text.slice(0, colon))
  const password = colon < 0 ? '' : decode(text.slice(colon + 1))
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) }
}

function parseQuery(query: string): Access {
  const known = new URLSearchParams(query)
  const sentinelPassword = known.get('sentinelPassword')
  known.delete('sentinelPassword')
  if (known.size > 0) throw new Error('has a query parameter that is not known')
  return sentinelPassword === null ? {} : { sentinelPassword }
}

function parseDb(parts: string[]): Access {
  const [db, ...more] = parts
  if (db === undefined) return {}
  if (more.length > 0 || !/^\d{1,4}$/.test(db)) throw new Error('has a database that is no number')
  return { db: Number(db) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a user or password that is not percent-encoded')
  }
}
