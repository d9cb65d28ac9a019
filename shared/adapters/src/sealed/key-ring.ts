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
  /** Returns the same for one context, in bytes, for what is sealed often and is not kept. */
  frames(context: string): SealedFrames
}

/** Seals a text into bytes, and opens them. Both functions throw only `SealError`. */
export interface SealedFrames {
  /** Puts `opening` before the sealed bytes, in the clear. It is not authenticated. */
  seal(text: string, opening: Uint8Array): Buffer
  /** Opens what stands in `bytes` behind the first `from` bytes. */
  open(bytes: Buffer, from: number): string
  /** Whether a frame stands there: nothing that `Cipher.seal` returns begins like one. */
  isFrame(bytes: Buffer, from: number): boolean
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
/** The first byte of a frame. No text begins with it. */
const FRAME_FORMAT = 2
const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const COUNTER_BYTES = 4
const MAX_VALUES = 2 ** 32
const TAG_BYTES = 16
const TAG = { authTagLength: TAG_BYTES }
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
    frames: (context) => createFrames(ring, context),
  }
}

interface SealOptions {
  keyId: string
  key: KeyObject
  context: string
}

function seal(text: string, { keyId, key, context }: SealOptions): string {
  const iv = nextNonce()
  const cipher = createCipheriv(ALGORITHM, key, iv, TAG)
  cipher.setAAD(toAdditionalData(keyId, context))
  const body = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${FORMAT}.${keyId}.${body.toString('base64url')}`
}

/** 64 random bits of this process, and a counter of its values. */
const nonce = Buffer.alloc(NONCE_BYTES)
let values = MAX_VALUES

/**
 * Returns the nonce of the next value, until the next call. Drawing each at random would cost as much
 * as the encryption, and live events alone may come near 2^32 values under one key, which is the
 * limit for random nonces. A counter repeats only if two processes draw the same start: of a million
 * starts under one key, with a chance of 1 to 30 million.
 */
function nextNonce(): Buffer {
  if (values === MAX_VALUES) {
    randomFillSync(nonce, 0, NONCE_BYTES - COUNTER_BYTES)
    values = 0
  }
  nonce.writeUInt32BE(values++, NONCE_BYTES - COUNTER_BYTES)
  return nonce
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
    const iv = body.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv(ALGORITHM, key, iv, TAG)
    decipher.setAAD(toAdditionalData(keyId, context))
    decipher.setAuthTag(body.subarray(-TAG_BYTES))
    const text = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch (error) {
    throw new SealError('damaged', { cause: error })
  }
}

/** A key of the ring, prepared for the frames of one context. */
interface FrameKey {
  /** The format, the length of the key's id, and the id. */
  head: Buffer
  key: KeyObject
  additionalData: Buffer
}

/**
 * A frame is its head, the nonce, the encrypted text and the tag. Everything but the nonce is known
 * beforehand, and nothing is encoded, searched or checked for its form.
 */
function createFrames(ring: ReadonlyMap<string, KeyObject>, context: string): SealedFrames {
  const keys = Array.from(ring, ([keyId, key]): FrameKey => {
    const head = Buffer.from([FRAME_FORMAT, keyId.length, ...Buffer.from(keyId)])
    return { head, key, additionalData: Buffer.concat([head, Buffer.from(context)]) }
  })
  const [first] = keys
  if (!first) throw new Error('there is no encryption key')
  return {
    seal: (text, opening) => sealFrame(first, text, opening),
    open: (bytes, from) => openFrame(keys, bytes, from),
    isFrame: (bytes, from) => bytes[from] === FRAME_FORMAT,
  }
}

function sealFrame(
  { head, key, additionalData }: FrameKey,
  text: string,
  opening: Uint8Array,
): Buffer {
  const iv = nextNonce()
  const cipher = createCipheriv(ALGORITHM, key, iv, TAG)
  cipher.setAAD(additionalData)
  const body = cipher.update(text, 'utf8')
  // This mode has no padding, so the end adds no bytes.
  cipher.final()
  return Buffer.concat([opening, head, iv, body, cipher.getAuthTag()])
}

function openFrame(keys: readonly FrameKey[], bytes: Buffer, from: number): string {
  if (bytes[from] !== FRAME_FORMAT) throw new SealError('damaged')
  const found = keys.find(({ head }) => startsWith(bytes, from, head))
  if (!found) throw new SealError('unknown-key')
  const start = from + found.head.length
  if (bytes.length < start + NONCE_BYTES + TAG_BYTES) throw new SealError('damaged')
  try {
    const iv = bytes.subarray(start, start + NONCE_BYTES)
    const decipher = createDecipheriv(ALGORITHM, found.key, iv, TAG)
    decipher.setAAD(found.additionalData)
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const text = decipher.update(bytes.subarray(start + NONCE_BYTES, -TAG_BYTES))
    // Throws for anything that was not sealed exactly so.
    decipher.final()
    return text.toString('utf8')
  } catch (error) {
    throw new SealError('damaged', { cause: error })
  }
}

function startsWith(bytes: Buffer, from: number, start: Buffer): boolean {
  const to = from + start.length
  return bytes.length >= to && bytes.compare(start, 0, start.length, from, to) === 0
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
