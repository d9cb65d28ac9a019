import { randomBytes } from 'node:crypto'
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

it.each([16, 32, 48])('of 100,000 random secrets of %i bytes none is refused', (length) => {
  const encoders = Object.values(ENCODINGS)
  const refused: string[] = []
  for (let i = 0; i < 100_000; i++) {
    const secret = encoders[i % encoders.length]?.(randomBytes(length)) ?? ''
    if (weakness(secret, length) !== undefined || isPlaceholderSecret(secret)) refused.push(secret)
  }
  expect(refused).toEqual([])
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
  ])('repeats itself: %s', (_, secret) => {
    expect(weakness(secret, MIN_BYTES)).toBe('repeats itself')
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
