import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { estimateTokens } from './tokens.ts'

describe('estimateTokens', () => {
  it.each([
    ['', 0],
    ['abc', 1],
    ['abcd', 2],
    ['你好', 2],
    ['😀', 1],
    ['né', 2],
  ])('takes %p for %p', (text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens)
  })

  it('never counts less for more text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(estimateTokens(a + b)).toBeGreaterThanOrEqual(estimateTokens(a))
        expect(estimateTokens(a + b)).toBeLessThanOrEqual(estimateTokens(a) + estimateTokens(b))
      }),
    )
  })
})
