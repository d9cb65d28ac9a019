import { AppError } from '@chatbox/core'

/** A key as the issuer's set has it; nothing of it is checked. */
export type Jwk = Record<string, unknown>

const TIMEOUT_MS = 5000
/** The largest sets that are published have some dozens of keys with their certificates. */
const MAX_LENGTH = 256 * 1024

/**
 * The keys at an address. Throws `UNAVAILABLE` where it does not answer with a set of them, in time
 * and of a decent size. jwks-rsa itself would read without an end and wait for ever for a body.
 */
export async function fetchKeySet(url: string, timeoutMs = TIMEOUT_MS): Promise<Jwk[]> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    // A redirect leads to keys that nobody has configured.
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
    if (text.length > MAX_LENGTH) throw new Error('the key set is too long')
  }
  return text + decoder.decode()
}

function isKeySet(value: unknown): value is { keys: Jwk[] } {
  return isObject(value) && Array.isArray(value.keys) && value.keys.every(isObject)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
