import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { LIMITS, contentSchema, idSchema, text, userIdSchema } from './fields.ts'

const wellFormed = fc.string({ unit: 'grapheme', maxLength: 30 })

describe('text', () => {
  it('counts code points, so that an emoji is one character as it is for a person', () => {
    const four = text(4, 4)
    expect(four.safeParse('👋👋👋👋').success).toBe(true)
    expect(four.safeParse('👋👋👋').success).toBe(false)
    expect(four.safeParse('👋👋👋👋a').success).toBe(false)
  })

  it('accepts exactly the well-formed texts within its bounds', () => {
    fc.assert(
      fc.property(wellFormed, fc.nat(20), fc.nat(20), (value, min, more) => {
        const length = Array.from(value).length
        const fits = length >= min && length <= min + more
        expect(text(min, min + more).safeParse(value).success).toBe(fits)
      }),
    )
  })

  it('gives back the text it was given', () => {
    fc.assert(
      fc.property(wellFormed, (value) => {
        expect(text(0, 1000).parse(value)).toBe(value)
      }),
    )
  })

  it.each(['\uD83D', '\uDC4B', 'a\uDC4B\uD83Db'])('refuses a lone surrogate: %j', (value) => {
    expect(text(0, 10).safeParse(value).success).toBe(false)
  })

  it('refuses what is not text', () => {
    for (const value of [1, null, undefined, {}, ['a'], true]) {
      expect(text(0, 10).safeParse(value).success).toBe(false)
    }
  })
})

describe('contentSchema', () => {
  it('takes a text of the greatest length, counted in code points', () => {
    expect(contentSchema.safeParse('👋'.repeat(LIMITS.contentLength)).success).toBe(true)
    expect(contentSchema.safeParse('👋'.repeat(LIMITS.contentLength + 1)).success).toBe(false)
  })

  it.each(['', ' ', '\n\t ', '\u00A0', '\u2003'])('refuses what cannot be seen: %j', (value) => {
    expect(contentSchema.safeParse(value).success).toBe(false)
  })
})

describe('ids', () => {
  it('never need escaping in an address, a key or a log line', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 70 }), (value) => {
        const { success } = idSchema.safeParse(value)
        if (success) expect(encodeURIComponent(value)).toBe(value)
        else expect(/^[\w.~-]{1,64}$/.test(value)).toBe(false)
      }),
    )
  })

  it.each(['', 'a'.repeat(65), 'a b', 'a/b', 'a:b', 'ä', 'a\n', '\0'])('refuse %j', (value) => {
    expect(idSchema.safeParse(value).success).toBe(false)
  })

  it('of users may be e-mail addresses and visitors', () => {
    for (const id of ['ann@shop.test', 'visitor:0f8a', '李雷', 'a'.repeat(LIMITS.userIdLength)]) {
      expect(userIdSchema.safeParse(id).success).toBe(true)
    }
    expect(userIdSchema.safeParse('').success).toBe(false)
    expect(userIdSchema.safeParse('a'.repeat(LIMITS.userIdLength + 1)).success).toBe(false)
  })
})
