import { describe, expect, it } from '@jest/globals'
import { readSubject } from './token.ts'

const toToken = (claims: unknown): string =>
  `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`

describe('the subject of a token', () => {
  it('is its `sub`, or its `user_id`, as the server reads it', () => {
    expect(readSubject(toToken({ sub: 'visitor:1', user_id: 'other' }))).toBe('visitor:1')
    expect(readSubject(toToken({ user_id: 'Zoë?~日' }))).toBe('Zoë?~日')
  })

  it('is not known where the token does not say it', () => {
    const others = [toToken({}), toToken({ sub: 5, user_id: 'u' }), toToken(null), toToken('text')]
    for (const token of [...others, '', 'token', 'a.b.c', 'a.%.c']) {
      expect(readSubject(token)).toBeUndefined()
    }
  })
})
