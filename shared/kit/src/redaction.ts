import { passwordOf } from './setting-values.ts'
import type { Settings } from './settings.ts'

export const HIDDEN = '[hidden]'

/** Below this a secret is a common word, and hiding it everywhere would garble the lines. */
const MIN_SECRET_LENGTH = 6

/** Every text of the settings that may appear nowhere. */
export function listSecrets(settings: Settings): string[] {
  const secrets = [
    settings.auth.jwtSecret,
    ...settings.encryptionKeys.flatMap(({ key }) => formsOf(Buffer.from(key))),
    ...settings.providers.map(({ apiKey }) => apiKey),
    ...[settings.redisUrl, settings.mongoUri].flatMap((address) => passwordsOf(address ?? '')),
  ]
  return secrets
    .filter((secret) => secret !== undefined)
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
}

/** All that `toSecretBytes` takes for these bytes; of base64url the bare form is in the padded one. */
function formsOf(key: Buffer): string[] {
  const [base64, hex] = [key.toString('base64'), key.toString('hex')]
  return [base64, base64.replaceAll('=', ''), key.toString('base64url'), hex, hex.toUpperCase()]
}

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
