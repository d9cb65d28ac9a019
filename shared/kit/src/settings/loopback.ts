import ipaddr from 'ipaddr.js'

/** True for an address that never leaves this machine. */
function isLoopback(address: string): boolean {
  const host = URL.parse(address)?.hostname.replace(/[[\]]/g, '') ?? ''
  if (host === 'localhost') return true
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}

/** `http` would show its key, or let anyone answer in its place, on the way to another machine. */
export function needsHttps(address: string, production: boolean): boolean {
  return production && address.startsWith('http://') && !isLoopback(address)
}
