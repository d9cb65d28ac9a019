import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import type { EncryptionKey } from './key-ring.ts'

/**
 * Returns a keyed digest of a user's id or an address: 22 characters of base64url, always the same
 * for the same name. Without the key nobody can try names against it.
 */
export type Pseudonym = (name: string) => string

const LENGTH = 22

/**
 * Derives the key from the first encryption key, which all processes share. After a change of that
 * key the digests are new, so counts under the old ones begin again.
 */
export function createPseudonym(encryptionKeys: readonly EncryptionKey[]): Pseudonym {
  const [first] = encryptionKeys
  if (!first) throw new Error('there is no encryption key')
  const bytes = hkdfSync('sha256', first.key, '', 'chatbox pseudonym', 32)
  const key = createSecretKey(new Uint8Array(bytes))
  return (name) => createHmac('sha256', key).update(name).digest('base64url').slice(0, LENGTH)
}
