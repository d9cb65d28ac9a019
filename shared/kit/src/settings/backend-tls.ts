import { isLoopbackHost } from './setting-types.ts'

/** Options of MongoDB's addresses that accept any certificate, so anybody could answer. */
const UNVERIFIED = /[?&](?:tlsInsecure|tlsAllowInvalidCertificates|tlsAllowInvalidHostnames)=true/i

/**
 * Returns true if an address of Redis or MongoDB leads to another machine without TLS, or with TLS
 * that does not check who answers. Texts of entries are sealed, but the password of the back end,
 * the ids of users and the order of entries are not.
 */
export function isPlaintext(address: string): boolean {
  return !usesTls(address) && !hostsOf(address).every(isLocal)
}

function usesTls(address: string): boolean {
  if (/^rediss[:+]/.test(address)) return true
  if (UNVERIFIED.test(address)) return false
  const option = /[?&](?:tls|ssl)=(true|false)/i.exec(address)?.[1]?.toLowerCase()
  return address.startsWith('mongodb+srv:') ? option !== 'false' : option === 'true'
}

/** An address may name several hosts, which `URL` does not read. */
function hostsOf(address: string): string[] {
  const afterScheme = address.replace(/^[^:]*:\/\//, '')
  const places = afterScheme.replace(/[/?].*$/s, '').replace(/^.*@/s, '')
  return places.split(',').map((place) => place.replace(/:\d*$/, ''))
}

function isLocal(host: string): boolean {
  // MongoDB writes the path of a socket file with its slashes escaped.
  return isLoopbackHost(host) || /^%2f/i.test(host)
}
