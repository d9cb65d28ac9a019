const SCHEMES = ['https:', 'mailto:', 'tel:']

/** The address where it may be linked to; undefined for any other scheme and for relative addresses. */
export function toSafeLink(address: string): string | undefined {
  try {
    const url = new URL(address)
    return SCHEMES.includes(url.protocol) ? url.href : undefined
  } catch {
    return undefined
  }
}
