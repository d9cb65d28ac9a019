import type { RedisOptions } from 'ioredis'

export interface RedisNode {
  host: string
  port: number
}

type Access = Pick<RedisOptions, 'username' | 'password' | 'db' | 'tls' | 'sentinelPassword'>

/** The location of Redis. `access` is the same for every node. */
export type RedisAddress =
  | { kind: 'single'; node: RedisNode; access: Access }
  | { kind: 'sentinel'; nodes: RedisNode[]; name: string; access: Access }
  | { kind: 'cluster'; nodes: RedisNode[]; access: Access }

const MAX_NODES = 100
const FORM =
  /^redis(?<secure>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<credentials>[^@/]*)@)?(?<hosts>[^@/?]+)(?<path>[^?]*)(?<query>\?.*)?$/

/**
 * Parses one of these forms. `rediss` instead of `redis` means TLS with checked certificates:
 *
 * - `redis://[user:password@]host[:port][/db]`
 * - `redis+sentinel://[user:password@]host[:port],host[:port]/name[/db][?sentinelPassword=…]`
 * - `redis+cluster://[user:password@]host[:port],host[:port]`
 *
 * User and password are percent-encoded; an IPv6 host is in brackets. Throws an error that says what
 * is wrong. It does not repeat the address, which may contain a password.
 */
export function parseRedisAddress(url: string): RedisAddress {
  const form = FORM.exec(url.trim())?.groups
  if (!form) throw new Error('is not a redis://, redis+sentinel:// or redis+cluster:// address')
  const { kind, hosts = '', path = '' } = form
  const nodes = hosts.split(',').map((host) => parseNode(host, kind === 'sentinel' ? 26_379 : 6379))
  if (nodes.length > MAX_NODES) throw new Error(`names more than ${MAX_NODES} hosts`)
  const access: Access = {
    ...parseCredentials(form.credentials),
    ...(form.secure ? { tls: {} } : {}),
    ...parseQuery(form.query),
  }
  const parts = path.split('/').filter((part) => part !== '')
  if (kind === 'sentinel') return toSentinel(nodes, parts, access)
  if (kind === 'cluster') return toCluster(nodes, parts, access)
  return toSingle(nodes, parts, access)
}

function toSingle([node, ...more]: RedisNode[], parts: string[], access: Access): RedisAddress {
  if (!node || more.length > 0) {
    throw new Error('names several hosts: use redis+sentinel:// or redis+cluster://')
  }
  return { kind: 'single', node, access: { ...access, ...parseDb(parts) } }
}

function toSentinel(nodes: RedisNode[], parts: string[], access: Access): RedisAddress {
  const [name, ...db] = parts
  if (!name) throw new Error('lacks the name of the Sentinel group after the hosts')
  return { kind: 'sentinel', nodes, name, access: { ...access, ...parseDb(db) } }
}

function toCluster(nodes: RedisNode[], parts: string[], access: Access): RedisAddress {
  if (parts.length > 0) throw new Error('names a database, which a cluster does not have')
  return { kind: 'cluster', nodes, access }
}

function parseNode(text: string, defaultPort: number): RedisNode {
  const form = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text.trim())
  const host = form?.[1] ?? form?.[2]
  const port = form?.[3] === undefined ? defaultPort : Number(form[3])
  if (!host || port < 1 || port > 65_535) throw new Error('has an invalid host or port')
  return { host, port }
}

function parseCredentials(text = ''): Access {
  const [username, ...rest] = text.split(':').map(decode)
  const password = rest.join(':')
  return { ...(username && { username }), ...(password && { password }) }
}

function parseQuery(query = ''): Access {
  const { sentinelPassword, ...others } = Object.fromEntries(new URLSearchParams(query))
  if (Object.keys(others).length > 0) throw new Error('has an unknown query parameter')
  return sentinelPassword === undefined ? {} : { sentinelPassword }
}

function parseDb([db, ...more]: string[]): Access {
  if (db === undefined) return {}
  if (more.length > 0 || !/^\d{1,4}$/.test(db)) {
    throw new Error('has a database that is not a number')
  }
  return { db: Number(db) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a user or password that is not percent-encoded')
  }
}
