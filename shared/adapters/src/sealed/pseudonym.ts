import { createHmac } from 'node:crypto'
import { deriveKey } from './derive-key.ts'
import type { EncryptionKey } from './key-ring.ts'

/**
 * Returns a keyed digest of a user's id or an address: 22 characters of base64url, always the same
 * for the same name. Without the key nobody can try names against it.
 */
export type Pseudonym = (name: string) => string

const LENGTH = 22

/**
 * The key follows from the first encryption key. After a change of that key the digests are new, so
 * counts under the old ones begin again. Users see digests of names that they may choose, so nothing
 * may be derived from one.
 */
export function createPseudonym(encryptionKeys: readonly EncryptionKey[]): Pseudonym {
  const key = deriveKey(encryptionKeys, 'pseudonym')
  return (name) => createHmac('sha256', key).update(name).digest('base64url').slice(0, LENGTH)
}
