import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomFillSync,
  type KeyObject,
} from 'node:crypto'
import type { AdapterHooks } from '@chatbox/core'

export interface EncryptionKey {
  id: string
  /** 32 bytes. */
  key: Uint8Array
}

/**
 * Encrypts texts at rest with AES-256-GCM. The ring's first key encrypts; all of its keys decrypt.
 * `context` says where a value belongs (see `toContext`). It is authenticated and not stored, so a
 * value that was moved elsewhere does not open. Both functions throw only `SealError`.
 */
export interface Cipher {
  seal(text: string, context: string): string
  open(sealed: string, context: string): string
}

export class SealError extends Error {
  override readonly name = 'SealError'
  readonly reason: 'unknown-key' | 'damaged'

  constructor(reason: SealError['reason'], options?: ErrorOptions) {
    super(reason === 'unknown-key' ? 'sealed under an unknown key' : 'not what was sealed', options)
    this.reason = reason
  }
}

const FORMAT = '1'
const KEY_BYTES = 32
// 96 random bits: a key never reaches the recommended limit of 2^32 values in its lifetime.
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_ID = /^[\w-]{1,32}$/u

/**
 * Returns the context of a sealed value. The parts are ids and words, which never contain a slash.
 */
export function toContext(field: string, ...ids: string[]): string {
  return [field, ...ids].join('/')
}

/** Throws if the ring is empty, an id is repeated or malformed, or a key is not 32 bytes long. */
export function createKeyRing(keys: readonly EncryptionKey[]): Cipher {
  const ring = new Map<string, KeyObject>()
  for (const { id, key } of keys) {
    if (!KEY_ID.test(id)) throw new Error('an encryption key has a malformed id')
    if (ring.has(id)) throw new Error(`the encryption key id ${id} is used twice`)
    if (key.byteLength !== KEY_BYTES) throw new Error(`the encryption key ${id} is not 32 bytes`)
    // Converting bytes to a key for every text costs three times as much as the encryption.
    ring.set(id, createSecretKey(key))
  }
  const [first] = ring
  if (!first) throw new Error('there is no encryption key')
  const [keyId, key] = first
  return {
    seal: (text, context) => seal(text, { keyId, key, context }),
    open: (sealed, context) => open(sealed, ring, context),
  }
}

interface SealOptions {
  keyId: string
  key: KeyObject
  context: string
}

function seal(text: string, { keyId, key, context }: SealOptions): string {
  const nonce = drawNonce()
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(toAdditionalData(keyId, context))
  const body = Buffer.concat([
    nonce,
    cipher.update(text, 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ])
  return `${FORMAT}.${keyId}.${body.toString('base64url')}`
}

const nonces = Buffer.alloc(NONCE_BYTES * 256)
let drawn = nonces.length

/**
 * Drawn for many values at once, because one call to the generator costs as much as the encryption.
 */
function drawNonce(): Buffer {
  if (drawn === nonces.length) {
    randomFillSync(nonces)
    drawn = 0
  }
  return nonces.subarray(drawn, (drawn += NONCE_BYTES))
}

function open(sealed: string, ring: ReadonlyMap<string, KeyObject>, context: string): string {
  const [format, keyId = '', encoded = '', ...rest] = sealed.split('.')
  const body = Buffer.from(encoded, 'base64url')
  // The decoder skips unknown characters. Only the exact form that `seal` writes is valid.
  const isCanonical = body.toString('base64url') === encoded && rest.length === 0
  if (format !== FORMAT || !isCanonical || body.length < NONCE_BYTES + TAG_BYTES) {
    throw new SealError('damaged')
  }
  const key = ring.get(keyId)
  if (!key) throw new SealError('unknown-key')
  try {
    const nonce = body.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(toAdditionalData(keyId, context))
    decipher.setAuthTag(body.subarray(-TAG_BYTES))
    const text = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch (error) {
    throw new SealError('damaged', { cause: error })
  }
}

/**
 * The key's id is authenticated too. Otherwise two ids of one key would open each other's values.
 */
function toAdditionalData(keyId: string, context: string): Buffer {
  return Buffer.from(`${FORMAT}.${keyId}.${context}`, 'utf8')
}

/** What the conversion between entities and records needs. */
export interface RecordDeps {
  cipher: Cipher
  hooks: Pick<AdapterHooks, 'onError' | 'onPayloadRefused'>
}

/** Returns the JSON value that was sealed, or undefined if it does not open. */
export function openJson(deps: RecordDeps, sealed: unknown, context: string): unknown {
  if (typeof sealed !== 'string') return undefined
  try {
    return JSON.parse(deps.cipher.open(sealed, context))
  } catch {
    return undefined
  }
}

export function sealJson(deps: RecordDeps, value: unknown, context: string): string {
  return deps.cipher.seal(JSON.stringify(value), context)
}
