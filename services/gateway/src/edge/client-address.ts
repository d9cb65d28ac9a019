import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import proxyAddr from 'proxy-addr'

/** What limits by address count by: one IPv6 customer has a whole /64 to choose addresses from. */
export function toAddressKey(address: string | undefined): string {
  // The zone names a link of this machine, in letters that the library does not take.
  const [bare = ''] = address?.split('%') ?? []
  if (!ipaddr.IPv6.isValid(bare)) return address ?? 'unknown'
  const parsed = ipaddr.process(bare)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${bare}/64`).toString()}/64`
}

/** Reads the same of a request that is an upgrade: Express knows by itself whom it trusts. */
export function createAddressReader(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => string {
  const isTrusted = proxyAddr.compile([...trustedProxies])
  return (request) => toAddressKey(proxyAddr(request, isTrusted))
}
