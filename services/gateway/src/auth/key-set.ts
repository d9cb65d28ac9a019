import { createPublicKey, type KeyObject } from 'node:crypto'
import { AppError } from '@chatbox/core'
import { JwksClient } from 'jwks-rsa'
import { unauthorized } from './claims.ts'

/** A key from the issuer's set, unchecked. */
type Jwk = Record<string, unknown>

/** The key type of each accepted public-key algorithm. */
const KEY_TYPES = {
  RS256: { kty: 'RSA', crv: undefined },
  ES256: { kty: 'EC', crv: 'P-256' },
} as const
type KeySetAlgorithm = keyof typeof KEY_TYPES

const KEY_MAX_AGE_MS = 10 * 60_000
const MAX_KEYS = 100
/** The minimum time between fetches, because anybody can make up an unknown `kid`. */
export const REST_MS = 30_000
export const FETCH_TIMEOUT_MS = 5000
/** The largest published sets have some dozens of keys with their certificates. */
export const MAX_SET_LENGTH = 256 * 1024
/** RFC 7518, 3.3. */
const MIN_RSA_BITS = 2048

export interface KeySet {
  /**
   * Finds the key that a token names; without a `kid`, the only key of the algorithm. Throws
   * `UNAVAILABLE` if the set cannot be fetched, another error if the set lacks the key.
   */
  find(algorithm: KeySetAlgorithm, kid: unknown): Promise<KeyObject>
}

/** Opens an issuer's key set, fetched on first use. `now` is a monotonic clock in ms. */
export function openKeySet(url: string, now = () => performance.now()): KeySet {
  const fetchKeys = createSource(url, now)
  const clients = {
    RS256: openClient(fetchKeys, 'RS256'),
    ES256: openClient(fetchKeys, 'ES256'),
  }
  return {
    async find(algorithm, kid) {
      if (kid !== undefined && typeof kid !== 'string') throw unauthorized()
      const found = await clients[algorithm].getSigningKey(kid)
      const key = createPublicKey(found.getPublicKey())
      const { modulusLength } = key.asymmetricKeyDetails ?? {}
      if (algorithm === 'RS256' && (modulusLength ?? 0) < MIN_RSA_BITS) throw unauthorized()
      return key
    },
  }
}

/** Shares one fetch between all concurrent callers. Failures are not cached. */
function createSource(url: string, now: () => number): () => Promise<Jwk[]> {
  let fetching: Promise<Jwk[]> | undefined
  let last: { keys: Jwk[]; at: number } | undefined
  return async () => {
    if (last && now() - last.at < REST_MS) return last.keys
    fetching ??= fetchKeySet(url).finally(() => {
      fetching = undefined
    })
    const keys = await fetching
    last = { keys, at: now() }
    return keys
  }
}

/**
 * Each algorithm has its own client that sees only its own keys, because the library looks keys up
 * by `kid` alone. The library's rate limit is off: made-up key ids would use it up for everybody.
 */
function openClient(fetchKeys: () => Promise<Jwk[]>, algorithm: KeySetAlgorithm): JwksClient {
  return new JwksClient({
    cacheMaxAge: KEY_MAX_AGE_MS,
    cacheMaxEntries: MAX_KEYS,
    fetcher: async () => ({ keys: onlyFor(algorithm, await fetchKeys()) }),
  })
}

/** Keeps the keys of one algorithm, except those that share a `kid`: the choice is arbitrary. */
function onlyFor(algorithm: KeySetAlgorithm, keys: readonly Jwk[]): Jwk[] {
  const own = keys.filter((key) => isFor(algorithm, key))
  return own.filter(({ kid }) => own.filter((other) => other.kid === kid).length === 1)
}

function isFor(algorithm: KeySetAlgorithm, key: Jwk): boolean {
  const { kty, crv } = KEY_TYPES[algorithm]
  if (key.kty !== kty || (crv !== undefined && key.crv !== crv)) return false
  return key.alg === undefined || key.alg === algorithm
}

/**
 * Fetches the keys at an address. Throws `UNAVAILABLE` if no valid set arrives in time or the set
 * is too large. jwks-rsa itself has neither a size limit nor a time limit for the body.
 */
export async function fetchKeySet(url: string, timeoutMs = FETCH_TIMEOUT_MS): Promise<Jwk[]> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    // A redirect could lead to keys that nobody has configured.
    const response = await fetch(url, { redirect: 'error', signal })
    const text = await readText(response)
    if (response.status !== 200) throw new Error(`the key set has status ${response.status}`)
    const set: unknown = JSON.parse(text)
    if (!isKeySet(set)) throw new Error('the key set is not a list of keys')
    return set.keys
  } catch (error) {
    throw new AppError('UNAVAILABLE', 'Tokens cannot be checked at the moment.', { cause: error })
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: AsyncIterable<Uint8Array> | Uint8Array[] = body ?? []
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_SET_LENGTH) throw new Error('the key set is too long')
  }
  return text + decoder.decode()
}

function isKeySet(value: unknown): value is { keys: Jwk[] } {
  return isObject(value) && Array.isArray(value.keys) && value.keys.every(isObject)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
