import { randomBytes } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isPlaceholderSecret, toSecretBytes, weakness } from './secret-strength.ts'

const MIN_BYTES = 16
const ENCODINGS = {
  hex: (bytes: Buffer) => bytes.toString('hex'),
  'upper-case hex': (bytes: Buffer) => bytes.toString('hex').toUpperCase(),
  base64: (bytes: Buffer) => bytes.toString('base64'),
  'bare base64': (bytes: Buffer) => bytes.toString('base64').replaceAll('=', ''),
  base64url: (bytes: Buffer) => bytes.toString('base64url'),
  'padded base64url': (bytes: Buffer) =>
    bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
}

const isRefused = (secret: string, length: number): boolean =>
  weakness(secret, length) !== undefined || isPlaceholderSecret(secret)

it.each([16, 48])('of 100,000 random secrets of %i bytes none is refused', (length) => {
  const encoders = Object.values(ENCODINGS)
  const secrets = Array.from({ length: 100_000 }, (_, i) =>
    encoders[i % encoders.length]?.(randomBytes(length)),
  )
  expect(secrets.filter((secret = '') => isRefused(secret, length))).toEqual([])
})

describe.each(Object.entries(ENCODINGS))('random bytes as %s', (_, encode) => {
  it('are read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), (array) => {
        const bytes = Buffer.from(array)
        expect(toSecretBytes(encode(bytes))).toEqual(bytes)
      }),
    )
  })

  it('are never refused: 100,000 secrets of 32 bytes', () => {
    const secrets = Array.from({ length: 100_000 }, () => encode(randomBytes(32)))
    expect(secrets.filter((secret) => isRefused(secret, 32))).toEqual([])
  })

  it('are refused where one is missing', () => {
    expect(weakness(encode(randomBytes(31)), 32)).toMatch(/at least 32 random bytes/)
  })
})

describe('a secret that is not random', () => {
  it.each([
    ['64 zeros', '0'.repeat(64)],
    ['one letter', 'a'.repeat(44)],
    ['a byte', 'ab'.repeat(32)],
    ['two letters', 'xy'.repeat(22)],
    ['four letters', 'test'.repeat(12)],
    ['half of it', 'abcd1234'.repeat(8)],
    ['zeros of 16 bytes', Buffer.alloc(16).toString('base64')],
    ['an alphabet, twice', 'abcdefghijklmnopqrstuvwxyz'.repeat(2)],
    ['the rows of a keyboard, twice', 'qwertyuiopasdfghjklzxcvbnm'.repeat(2)],
    [
      'the rows of a keyboard, as far as they go',
      'QWERTYUIOPASDFGHJKLZXCVBNM'.repeat(2).slice(0, 44),
    ],
    ['three digits', '0a7'.repeat(22).slice(0, 64)],
    ['zeros with one other byte', `${'00'.repeat(31)}01`],
    [
      'one other byte before zeros',
      Buffer.from([1, ...Array<number>(31).fill(0)]).toString('base64'),
    ],
    ['zeros in the middle', `0123456789abcdef${'0'.repeat(32)}fedcba9876543210`],
  ])('repeats itself: %s', (_, secret) => {
    expect(weakness(secret, MIN_BYTES)).toBe('repeats itself')
  })

  it.each([1, 2, 7, 128, 255])('counts, by %i', (step) => {
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, i) => (3 + i * step) % 256))
    const repeats = 256 % step === 0 && 256 / step < 16
    expect(weakness(bytes.toString('hex'), MIN_BYTES)).toBe(
      repeats ? 'repeats itself' : 'counts in equal steps',
    )
  })

  it.each([
    'your-256-bit-secret',
    'A-String-Secret-At-Least-256-Bits-Long',
    '404e635266556a586e3272357538782f413f4428472b4b6250645367566b5970',
    '46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho',
    Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64'),
    'abcdefghijklmnopqrstuvwxyz0123456789',
  ])('is known: %s', (secret) => {
    expect(weakness(secret, MIN_BYTES)).toBe('is a sample that anybody can read')
  })

  it.each([
    'correct horse battery staple and some more words',
    `${randomBytes(32).toString('hex')}0`,
    // Its last letter holds bits that no byte has room for.
    `${randomBytes(31).toString('base64').slice(0, 41)}B==`,
    ` ${randomBytes(32).toString('base64')}`,
    'AB-+'.repeat(11),
    'Ab'.repeat(31) + '/_',
  ])('has another form: %s', (secret) => {
    expect(weakness(secret, MIN_BYTES)).toMatch(/^must be at least 16 random bytes/)
  })

  it.each([
    'an-example-secret-0123456789-abcdefghijk',
    'your-secret-key-here-0123456789-abcdefgh',
    'CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME_',
    'changeme'.repeat(5),
    'my-own-password-that-nobody-will-guess01',
    'changeme1234',
  ])('was never filled in: %s', (secret) => {
    expect(isPlaceholderSecret(secret)).toBe(true)
  })
})

describe('judging a secret', () => {
  it.each(['-', '_', 'a', 'A', '0', 'aA', 'a-', 'A0', '--a', 'a0--', 'xX-'])(
    'ends soon for a long row of %j',
    (piece) => {
      for (const tail of ['aBAA', 'AAAA', '-aB0']) {
        const secret = piece.repeat(10_000 / piece.length).slice(0, 9996) + tail
        // Milliseconds are enough. A pattern that tries everything would not end in a lifetime, and
        // is cut off here.
        const judge = () => isPlaceholderSecret(secret) || weakness(secret, MIN_BYTES) !== undefined
        runInNewContext('judge()', { judge }, { timeout: 10_000 })
      }
    },
  )
})
