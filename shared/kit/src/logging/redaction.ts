export const HIDDEN = '[hidden]'

/** Removes every secret from a line, whatever its source: a driver's error, a header, a URL. */
export function createScrubber(secrets: readonly string[]): (line: string) => string {
  const forms = secrets.flatMap((secret) => [
    secret,
    decoded(secret),
    JSON.stringify(secret).slice(1, -1),
  ])
  // Longest first, because a secret may contain another one.
  const sorted = [...new Set(forms)].filter(Boolean).sort((a, b) => b.length - a.length)
  return (line) => sorted.reduce((text, secret) => text.replaceAll(secret, HIDDEN), line)
}

/** Returns an address without its passwords. */
export function withoutPasswords(address: string): string {
  return createScrubber(passwordsOf(address))(address)
}

/**
 * The password before the host, and those that Sentinel or a cloud's sign-on take as a parameter.
 */
export function passwordsOf(address: string): string[] {
  const inQuery = address.matchAll(/[?&,=][^=&]*(?:password|token|secret)[^=&:]*[=:]([^&,]+)/gi)
  return [passwordOf(address), ...Array.from(inQuery, ([, value = '']) => value)].filter(Boolean)
}

/** Decodes a password as a driver does. */
export function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret)
  } catch {
    return secret
  }
}

/**
 * Finds the part between `user:` and `@`, also in addresses with several hosts, which `URL`
 * refuses.
 */
export function passwordOf(address: string): string {
  return /^[a-z+]+:\/\/[^:@/]*:(.*)@/.exec(address)?.[1] ?? ''
}
