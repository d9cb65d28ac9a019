export const HIDDEN = '[hidden]'

/** Takes every secret out of a line, wherever it came from: an error of a driver, a header, a URL. */
export function createScrubber(secrets: readonly string[]): (line: string) => string {
  const forms = secrets.flatMap((secret) => [
    secret,
    decoded(secret),
    JSON.stringify(secret).slice(1, -1),
  ])
  // The longest first: a secret may hold another one.
  const sorted = [...new Set(forms)].filter(Boolean).sort((a, b) => b.length - a.length)
  return (line) => sorted.reduce((text, secret) => text.replaceAll(secret, HIDDEN), line)
}

/** An address without its passwords. */
export function withoutPasswords(address: string): string {
  return createScrubber(passwordsOf(address))(address)
}

/** The password before the host, and those that Sentinel or a cloud's sign-on take as a parameter. */
export function passwordsOf(address: string): string[] {
  const inQuery = address.matchAll(/[?&,=][^=&]*(?:password|token|secret)[^=&:]*[=:]([^&,]+)/gi)
  return [passwordOf(address), ...Array.from(inQuery, ([, value = '']) => value)].filter(Boolean)
}

/** As a driver sees a password that is percent-encoded in its address. */
export function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret)
  } catch {
    return secret
  }
}

/** The part between `user:` and `@`, also in addresses of several hosts, which `URL` refuses. */
export function passwordOf(address: string): string {
  return /^[a-z+]+:\/\/[^:@/]*:(.*)@/.exec(address)?.[1] ?? ''
}
