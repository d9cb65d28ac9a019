import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import proxyAddr from 'proxy-addr'

/** Returns the key for limits by address: a /64 for IPv6, because one customer owns all of it. */
export function toAddressKey(address: string | undefined): string {
  // The zone names a link of this machine. The library does not accept all of its characters.
  const [bare = ''] = address?.split('%') ?? []
  if (!ipaddr.IPv6.isValid(bare)) return address ?? 'unknown'
  const parsed = ipaddr.process(bare)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${bare}/64`).toString()}/64`
}

/** Reads the client's address from an upgrade request, which Express does not handle. */
export function createAddressReader(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => string {
  const isTrusted = proxyAddr.compile([...trustedProxies])
  return (request) => toAddressKey(proxyAddr(request, isTrusted))
}
