import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import proxyAddr from 'proxy-addr'

/**
 * Returns the key for limits by address. An IPv6 address is cut to its /64 because one customer
 * owns all of that network.
 */
export function toAddressKey(address: string | undefined): string {
  // The zone names a link of this machine. The library does not accept all of its characters.
  const [bare = ''] = address?.split('%') ?? []
  if (!ipaddr.IPv6.isValid(bare)) return address ?? 'unknown'
  const parsed = ipaddr.process(bare)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${bare}/64`).toString()}/64`
}

/**
 * Reads the client's address from an upgrade request. Express does this by itself for its own
 * requests.
 */
export function createAddressReader(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => string {
  const isTrusted = proxyAddr.compile([...trustedProxies])
  return (request) => toAddressKey(proxyAddr(request, isTrusted))
}
