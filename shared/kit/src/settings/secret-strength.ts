/** The placeholders of templates, anywhere in a value and in any case. */
const PLACEHOLDER =
  /replace_?with|replace_?me|(?<![a-z])change|placeholder|(?<![a-z])your[-_]|^<.*>$|^x{3,}$/i

/** Words that mark a placeholder in a secret, but not in a host name or a model's name. */
const PLACEHOLDER_SECRET = /example|secret|password/i

/** A word in one case, with or without a number after it. People put `-` and `_` between them. */
const WORD = /^(?:[A-Z]?[a-z]+|[A-Z]+)?\d*$/

/** True for a value that was never filled in. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value)
}

/** Shorter secrets do not count as random bytes. */
const MIN_RANDOM_BYTES = 16

/**
 * Judges secrets more strictly: `example` is fine in a host name, but public in a secret. Random
 * letters sometimes spell a placeholder word. A secret in the form of random bytes is therefore a
 * placeholder only if it consists of words. With 32 random bytes in base64url that happens to fewer
 * than one secret in 10^17.
 */
export function isPlaceholderSecret(value: string): boolean {
  const bytes = toSecretBytes(value)
  if (bytes === undefined || bytes.length < MIN_RANDOM_BYTES) {
    return isPlaceholder(value) || /example/i.test(value)
  }
  return isAllWords(value) && (isPlaceholder(value) || PLACEHOLDER_SECRET.test(value))
}

/** Checks word by word, because one pattern for all would try every way to split a row of dashes. */
function isAllWords(value: string): boolean {
  return value.split(/[-_]/).every((word) => WORD.test(word))
}

/**
 * Secrets of the right form that documents, tutorials and tools print. They are the ones that people
 * copy most often.
 */
const SAMPLES = [
  // jwt.io
  'your-256-bit-secret',
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  // Supabase
  'super-secret-jwt-token-with-at-least-32-characters-long',
  // FastAPI's tutorial
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  // Tutorials of Spring Security
  '404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970',
  '3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b',
  // Images of Airflow
  '46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho=',
  // RFC 7515 and RFC 7520
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
  // What a keyboard gives in order
  '0123456789abcdef0123456789abcdef',
  'abcdefghijklmnopqrstuvwxyz0123456789',
  'abcdefghijklmnopqrstuvwxyz012345',
  'qwertyuiopasdfghjklzxcvbnm123456',
  // Test vectors: the bytes counted up
  '000102030405060708090a0b0c0d0e0f',
  '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
]
const KNOWN = new Set(SAMPLES.flatMap((sample) => [sample.toLowerCase(), toSecretId(sample)]))

/**
 * Returns why a secret is weak, or undefined. `minBytes` is the required number of random bytes, at
 * least 16. Randomness is not measured: a phrase of the right form passes. The refused patterns occur
 * in random secrets with a probability below 2^-102.
 */
export function weakness(secret: string, minBytes: number): string | undefined {
  if (KNOWN.has(secret.toLowerCase()) || KNOWN.has(toSecretId(secret))) {
    return 'is a sample that anybody can read'
  }
  const bytes = toSecretBytes(secret)
  if (bytes === undefined || bytes.length < minBytes) {
    return `must be at least ${minBytes} random bytes in base64 or hexadecimal digits`
  }
  if (isRepetition(secret, bytes) || hasLongRun(bytes)) return 'repeats itself'
  return isCount(bytes) ? 'counts in equal steps' : undefined
}

/**
 * Decodes a secret: hexadecimal digits of one case, or base64 in either alphabet, padded or not.
 * Returns undefined for other texts, including base64 that no encoder writes.
 */
export function toSecretBytes(text: string): Buffer | undefined {
  if (isHex(text)) return Buffer.from(text, 'hex')
  const bytes = Buffer.from(text, 'base64')
  const padded = bytes.toString('base64')
  const encodings = [padded, padded.replaceAll('=', ''), bytes.toString('base64url')]
  const isEncoding =
    encodings.includes(text) || text === padded.replaceAll('+', '-').replaceAll('/', '_')
  return isEncoding && bytes.length > 0 ? bytes : undefined
}

/** Returns the same id for the same secret in any notation. */
export function toSecretId(text: string): string {
  return toSecretBytes(text)?.toString('hex') ?? text
}

function isHex(text: string): boolean {
  return /^(?:(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+)$/.test(text)
}

/** This many bits are never equal by chance: 2^-104, and less than 2^-103 over all periods. */
const NEVER_EQUAL_BITS = 104

/**
 * Returns true if one piece of the secret repeats to its end. Checks the text too: letters that were
 * typed twice repeat in the bytes only if they make up whole bytes.
 */
function isRepetition(secret: string, bytes: Buffer): boolean {
  const letters = secret.replaceAll('=', '')
  return repeats(bytes.toString('latin1'), 8) || repeats(letters, isHex(secret) ? 4 : 6)
}

function repeats(units: string, bitsPerUnit: number): boolean {
  const longest = units.length - Math.ceil(NEVER_EQUAL_BITS / bitsPerUnit)
  for (let period = 1; period <= longest; period++) {
    if (units.startsWith(units.slice(period))) return true
  }
  return false
}

const LONG_RUN = 16

/** Returns true for a long run of one byte: in 32 random bytes 2^-115, in 1000 of them 2^-110. */
function hasLongRun(bytes: Buffer): boolean {
  let run = 0
  return bytes.some((byte, index) => {
    run = byte === bytes[index - 1] ? run + 1 : 1
    return run >= LONG_RUN
  })
}

/** Returns true for 1, 2, 3 and other equal steps: in 32 random bytes 2^-240, in 16 of them 2^-112. */
function isCount(bytes: Buffer): boolean {
  const stepAt = (index: number) => ((bytes[index] ?? 0) - (bytes[index - 1] ?? 0)) & 0xff
  return bytes.subarray(1).every((_, index) => stepAt(index + 1) === stepAt(1))
}
