const SCHEMES = ['https:', 'http:', 'mailto:', 'tel:']
const MAX_WORDS = 200
/** In a longer text, nobody looks for a host or an address. */
const MAX_TEXT = 500
/** Nobody sees them, so none may keep a host from being found. Some are marks, not formats. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu
/** A stop that browsers read as one in a host, and that has no other form in NFKC (UTS #46). */
const IDEOGRAPHIC_STOP = /\u3002/gu
const LABEL = String.raw`[\p{L}\p{M}\p{N}_-]+`
/** A host in a text, with the rest of its address: a name, four numbers, or what follows a scheme. */
const HOST = new RegExp(
  String.raw`(?:(?<=:\/\/)([^\s/?#@]+)|((?:${LABEL}\.)+\p{L}[\p{L}\p{M}]+|\d+(?:\.\d+){3}))\S*`,
  'gu',
)
const MAIL = /[^\s<>()[\],;:"@]+@[^\s<>()[\],;:"@]*[^\s<>()[\],;:"@.]/gu
const RECIPIENTS = /^(?:to|cc|bcc)$/i
/** A number in a text, with what RFC 3966 allows between its digits. */
const PHONE = /\+?[\d(][\d\s().-]*/gu
const BETWEEN_DIGITS = /[\s().-]/gu

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
 * names another one or is long; for mail and telephone, all it writes to or calls, unless the text
 * names just that.
 */
export function toRealTarget(href: string, text: string): string {
  const url = new URL(href)
  const isLong = text.length > MAX_TEXT
  // Wide forms of letters look like a host too.
  const shown = isLong ? '' : text.normalize('NFKC').replaceAll(INVISIBLE, '')
  if (url.protocol === 'tel:') return toNumber(url, shown)
  if (url.protocol === 'mailto:') return toMail(url, shown)
  if (isLong) return url.host
  const named = Array.from(
    shown.replaceAll(IDEOGRAPHIC_STOP, '.').matchAll(HOST),
    ([, host, name = '']) => toHost(host ?? name),
  )
  return named.every((host) => host === toHost(url.hostname)) ? '' : url.host
}

function toMail({ pathname, searchParams }: URL, shown: string): string {
  const others = [...searchParams].filter(([name]) => RECIPIENTS.test(name)).map(([, to]) => to)
  const recipients = [decode(pathname), ...others].flatMap((list) => list.split(','))
  const written = recipients.map((one) => one.trim()).filter((one) => one !== '')
  return isSame(shown.match(MAIL) ?? [], written) ? '' : toWords(written.join(', '))
}

function toNumber({ pathname, search, hash }: URL, shown: string): string {
  const called = decode(pathname + search + hash)
  const named = shown.match(PHONE)?.map(toDigits)
  return isSame(named ?? [], [toDigits(called)]) ? '' : toWords(called)
}

function toDigits(number: string): string {
  return number.replaceAll(BETWEEN_DIGITS, '')
}

/** Returns whether a text names just the targets. */
function isSame(named: readonly string[], targets: readonly string[]): boolean {
  const [said, meant] = [named, targets].map((all) =>
    [...new Set(all.map((one) => one.toLowerCase()))].toSorted().join(),
  )
  return said === meant
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function toHost(name: string): string {
  const host = name.replace(/^www\./i, '')
  return URL.canParse(`https://${host}`) ? new URL(`https://${host}`).hostname : host
}
