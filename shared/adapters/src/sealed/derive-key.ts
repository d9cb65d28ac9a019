import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { EncryptionKey } from './key-ring.ts'

/** One purpose, one key: what is made with one of them tells nothing about another (RFC 5869, 3.2). */
type Purpose = 'pseudonym' | 'operator token key'

/**
 * Derives a key of 32 bytes from the first encryption key, which all processes share. After a change
 * of that key the derived ones are new too.
 */
export function deriveKey(encryptionKeys: readonly EncryptionKey[], purpose: Purpose): KeyObject {
  const [first] = encryptionKeys
  if (!first) throw new Error('there is no encryption key')
  const bytes = hkdfSync('sha256', first.key, '', `chatbox ${purpose}`, 32)
  return createSecretKey(new Uint8Array(bytes))
}
