import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { PrivateAddressError } from '../faults.ts'

/** Finds the addresses of a name: `lookup` of `node:dns`. */
export type Resolve = (
  name: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Creates a `lookup` for `net.connect` that gives only public addresses. What is checked here is what
 * is connected to, so a name that changes its address after a check gains nothing.
 */
export function createPublicLookup(resolve: Resolve = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, '')
        return
      }
      const allowed = addresses.filter(({ address }) => isPublic(address))
      answer(allowed, options.all === true, callback)
    })
  }
}

function answer(
  allowed: LookupAddress[],
  wantsAll: boolean,
  callback: Parameters<LookupFunction>[2],
): void {
  const [first] = allowed
  if (!first) callback(new PrivateAddressError(), '')
  else if (wantsAll) callback(null, allowed)
  else callback(null, first.address, first.family)
}

/** Throws for a host that is an address itself: nothing looks that up. */
export function checkLiteral(hostname: string): void {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !isPublic(host)) throw new PrivateAddressError()
}

/**
 * Returns true for an address of the public internet. All other ranges are refused, also those of
 * IPv6 that lead to an address of IPv4 inside (RFC 6052, 6to4, Teredo).
 */
function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}
