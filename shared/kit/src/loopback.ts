/** True for an address that never leaves this machine. */
function isLoopback(address: string): boolean {
  const host = URL.parse(address)?.hostname ?? ''
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** `http` would show its key, or let anyone answer in its place, on the way to another machine. */
export function needsHttps(address: string, production: boolean): boolean {
  return production && address.startsWith('http://') && !isLoopback(address)
}
