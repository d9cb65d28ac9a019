import { passwordOf } from './setting-values.ts'
import type { Settings } from './settings.ts'

export const HIDDEN = '[hidden]'

/** Below this a secret is a common word, and hiding it everywhere would garble the lines. */
const MIN_SECRET_LENGTH = 6

/** Every text of the settings that may appear nowhere, in each form that it could appear in. */
export function listSecrets(settings: Settings): string[] {
  const secrets = [
    settings.auth.jwtSecret,
    ...settings.encryptionKeys.flatMap(({ key }) => [
      Buffer.from(key).toString('base64'),
      Buffer.from(key).toString('base64url'),
      Buffer.from(key).toString('hex'),
    ]),
    ...settings.providers.map(({ apiKey }) => apiKey),
    ...[settings.redisUrl, settings.mongoUri].map((address) => passwordOf(address ?? '')),
  ]
  const forms = secrets
    .filter((secret) => secret !== undefined)
    .flatMap((secret) => [secret, decoded(secret), JSON.stringify(secret).slice(1, -1)])
  // The longest first: a secret may hold another one.
  return [...new Set(forms)]
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length)
}

/** Takes every secret out of a line, wherever it came from: an error of a driver, a header, a URL. */
export function createScrubber(secrets: readonly string[]): (line: string) => string {
  return (line) => secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), line)
}

/** An address without its password. */
export function withoutPassword(address: string): string {
  const password = passwordOf(address)
  return password ? address.replace(`:${password}@`, `:${HIDDEN}@`) : address
}

/** As a driver sees a password that is percent-encoded in its address. */
function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret)
  } catch {
    return secret
  }
}
