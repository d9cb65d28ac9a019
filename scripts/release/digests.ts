import { Refusal } from './refusal.ts'

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** The digest as it is. Throws a `Refusal` that names `what` where it is empty or no digest. */
export function requireDigest(what: string, digest: string): string {
  if (digest === '') throw new Refusal(`The digest of ${what} is empty.`)
  if (!DIGEST.test(digest)) {
    throw new Refusal(`The digest of ${what} is not sha256: and 64 hexadecimal digits.`)
  }
  return digest
}
