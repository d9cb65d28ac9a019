/** What stands in templates where a value belongs. Found anywhere in a value, in any case. */
const PLACEHOLDER =
  /replace_?with|replace_?me|(?<![a-z])change|placeholder|(?<![a-z])your[-_]|^<.*>$|^x{3,}$/i

/** True for a value that was never filled in. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value)
}

/** Secrets are judged harder: an `example` in a host name is fine, in a secret it is public. */
export function isPlaceholderSecret(value: string): boolean {
  return isPlaceholder(value) || /example/i.test(value)
}

const MIN_LENGTH = 32

/**
 * The frequencies of the characters of a short text understate what it holds: 32 random
 * hexadecimal digits, which are 128 bits, measure 100 to 125.
 */
const MIN_MEASURED_BITS = 96

/** Why a secret could be guessed, or undefined where nothing says so. */
export function weakness(secret: string): string | undefined {
  if (Array.from(secret).length < MIN_LENGTH) return `has fewer than ${MIN_LENGTH} characters`
  if (isRepetition(secret)) return 'repeats itself'
  if (isSequence(secret) || measuredBits(secret) < MIN_MEASURED_BITS) {
    return 'holds fewer than 128 random bits'
  }
  return undefined
}

function isRepetition(secret: string): boolean {
  for (let period = 1; period <= secret.length / 2; period++) {
    if (secret.startsWith(secret.slice(period))) return true
  }
  return false
}

/** True where most characters are the neighbours of the one before, as in `abcdef` or `112233`. */
function isSequence(secret: string): boolean {
  let steps = 0
  for (let i = 1; i < secret.length; i++) {
    if (Math.abs(secret.charCodeAt(i) - secret.charCodeAt(i - 1)) <= 1) steps++
  }
  return steps > secret.length / 2
}

function measuredBits(secret: string): number {
  const counts = new Map<string, number>()
  for (const character of secret) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= count * Math.log2(count / secret.length)
  return bits
}
