import { createScrubber } from '@chatbox/kit'
import { toLine } from './notice.ts'

const MAX_SAID_LENGTH = 300

/** Converts what a server said into one short line. */
export type ToSaid = (text: string) => string

/**
 * Returns a converter that hides these secrets, also in the forms that protocols send them in:
 * servers repeat what they refuse.
 */
export function createToSaid(secrets: readonly (string | undefined)[]): ToSaid {
  const given = secrets.filter((secret): secret is string => Boolean(secret))
  const scrub = createScrubber(given.flatMap((secret) => [secret, ...toBase64Forms(secret)]))
  return (text) => toLine(scrub(text).replace(/\s+/g, ' ').trim(), MAX_SAID_LENGTH)
}

/** Base64 of a text depends on what stands before it, so the length of that matters. */
function toBase64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)])
    const base64 = bytes.toString('base64')
    // Characters at both ends are mixed with what stands beside the secret.
    const start = Math.ceil((before * 4) / 3)
    const inner = base64.replace(/=+$/, '').slice(start, Math.floor((bytes.length * 4) / 3))
    return inner.length >= 4 ? [inner] : []
  })
}
