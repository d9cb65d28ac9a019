const SCHEMES = ['https:', 'http:', 'mailto:', 'tel:']
const WEB = /^https?:/
const MAX_WORDS = 200
/** In a longer text, nobody looks for a host. */
const MAX_TEXT = 500
/** A host in a text, with the rest of its address. */
const HOST = /((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})\S*/gu

/**
 * Returns the absolute address for a link, or undefined where none may be linked: a scheme that is
 * not listed, or a path without a leading slash, because models mean anything by it.
 */
export function toSafeLink(address: string): string | undefined {
  const known = address.startsWith('www.') ? `http://${address}` : address
  try {
    const url = known.startsWith('/') ? new URL(known, document.baseURI) : new URL(known)
    return SCHEMES.includes(url.protocol) ? url.href : undefined
  } catch {
    return undefined
  }
}

/** Returns an address in words. A place within the text is none. */
export function toWords(address: string): string {
  if (address.startsWith('#')) return ''
  return address.length > MAX_WORDS ? `${address.slice(0, MAX_WORDS)}…` : address
}

/**
 * Returns where a link leads if its text says otherwise, else an empty string: the host if the text
 * names another one or is long; for mail and telephone, the address if the text does not have it.
 */
export function toRealTarget(href: string, text: string): string {
  const url = new URL(href)
  if (!WEB.test(href)) return text.includes(url.pathname) ? '' : toWords(url.pathname)
  if (text.length > MAX_TEXT) return url.host
  // Invisible characters and wide forms of letters look like a host too.
  const shown = text.normalize('NFKC').replaceAll(/\p{Cf}/gu, '')
  const named = Array.from(shown.matchAll(HOST), ([, host = '']) => toHost(host))
  return named.every((host) => host === toHost(url.hostname)) ? '' : url.host
}

function toHost(name: string): string {
  const host = name.replace(/^www\./i, '')
  return URL.canParse(`https://${host}`) ? new URL(`https://${host}`).hostname : host
}
