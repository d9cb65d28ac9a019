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

  it.each([
    ...['', ' ', '\n\t ', '\u00A0', '\u2003', '\0\u0007\u007F', '\u0085'],
    ...['\u200B', '\u200B\n\u200B', '\uFEFF', '\u2060', '\u00AD', '\u034F', '\u180E'],
    ...['\u200D', '\u200E\u200F', '\u202E \u202C', '\u2066\u2069', '\u061C', '\uFE0F'],
    ...['\u3164', '\u115F\u1160', '\uFFA0', '\u2800', '\uFFF9\uFFFB', '\u{E0041}\u{E007F}'],
  ])('refuses what cannot be seen: %j', (value) => {
    expect(contentSchema.safeParse(value).success).toBe(false)
  })

  it.each([
    ...['👩‍👩‍👧‍👦', '❤️', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣', 'می‌خواهم', '\u200Fשלום\u200E!', 'क्‍ष', 'a\u200Bb', '\u0301'],
    ...['.', '\u200B?', '؀', '\uFFFD', '\uFFFC'],
  ])('takes what can be seen as it is: %j', (value) => {
    expect(contentSchema.parse(value)).toBe(value)
  })

  it.each([
    ['    if (a) {\n      b()\n    }', '    if (a) {\n      b()\n    }'],
    ['\n\n  first\n\n\n  last  \n\n', '  first\n\n\n  last  '],
    [' \t\n\tx', '\tx'],
    ['\r\n a\r\n\r\nb\r\n \r\n', ' a\r\n\r\nb'],
    ['\u200B\n\u2028 x\u2029\uFEFF', ' x'],
    ['x \u200B', 'x \u200B'],
  ])('cuts empty lines at the ends alone: %j', (value, cut) => {
    expect(contentSchema.parse(value)).toBe(cut)
  })

  it('gives back a text without line breaks, and its own result, unchanged', () => {
    const any = fc.string({
      unit: fc.constantFrom(' ', '\n', '\r', '\u200B', 'a', '👋'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(any, (value) => {
        const { data } = contentSchema.safeParse(value)
        if (data === undefined) return
        expect(contentSchema.parse(data)).toBe(data)
        if (!/[\n\r]/.test(value)) expect(data).toBe(value)
      }),
    )
  })

  it('takes the time of one look at the longest text of lines that cannot be seen', () => {
    const value = '\n \u200B'.repeat(LIMITS.contentLength / 3 - 1)
    const startedAt = performance.now()
    for (let count = 0; count < 50; count += 1)
      expect(contentSchema.parse(`${value}x`)).toBe(' \u200Bx')
    expect(performance.now() - startedAt).toBeLessThan(5000)
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
