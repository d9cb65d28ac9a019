import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ReplyText } from './reply-text.ts'

describe('ReplyText', () => {
  it('shows every piece as it comes', () => {
    const text = new ReplyText(100)
    expect(text.add('Hel')).toBe('Hel')
    expect(text.add('lo')).toBe('lo')
    expect(text.text).toBe('Hello')
    expect(text.full).toBe(false)
  })

  it('holds half an emoji back until the other half comes', () => {
    const text = new ReplyText(100)
    expect(text.add('a\uD83D')).toBe('a')
    expect(text.add('\uDE00b')).toBe('😀b')
    expect(text.text).toBe('a😀b')
  })

  it('replaces what has no other half', () => {
    const text = new ReplyText(100)
    expect(text.add('a\uDE00\uD83D')).toBe('a\uFFFD')
    expect(text.add('b')).toBe('\uFFFDb')
    expect(text.text.isWellFormed()).toBe(true)
  })

  it('takes exactly its limit, counted in code points', () => {
    const text = new ReplyText(4)
    expect(text.add('😀😀')).toBe('😀😀')
    expect(text.add('😀😀')).toBe('😀😀')
    expect(text.full).toBe(false)
    expect(text.add('!')).toBe('')
    expect(text.full).toBe(true)
    expect(text.text).toBe('😀😀😀😀')
  })

  it('cuts a piece far beyond its limit', () => {
    const text = new ReplyText(3)
    expect(text.add('😀'.repeat(2_000_000))).toBe('😀😀😀')
    expect(text.full).toBe(true)
    expect(new ReplyText(3).add('a'.repeat(10_000_000))).toBe('aaa')
  })

  it('counts a long text of pairs exactly, near its limit', () => {
    const text = new ReplyText(1000)
    for (let pieces = 0; pieces < 1000; pieces++) expect(text.add('😀')).toBe('😀')
    expect(text.full).toBe(false)
    expect(text.add('😀')).toBe('')
    expect(text.full).toBe(true)
  })

  it('is the same whole text however it was cut', () => {
    const cut = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(60), fc.nat(60))
    fc.assert(
      fc.property(cut, ([whole, a, b]) => {
        const [from, to] = a < b ? [a, b] : [b, a]
        const text = new ReplyText(1000)
        const shown = [whole.slice(0, from), whole.slice(from, to), whole.slice(to)].map((piece) =>
          text.add(piece),
        )
        expect(text.text).toBe(whole)
        expect(shown.join('')).toBe(whole)
        expect(shown.every((piece) => piece.isWellFormed())).toBe(true)
      }),
    )
  })

  it('never holds more than its limit', () => {
    const pieces = fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 20 })
    fc.assert(
      fc.property(pieces, fc.nat(40), (added, limit) => {
        const text = new ReplyText(limit)
        for (const piece of added) text.add(piece)
        const all = Array.from(added.join(''))
        expect(Array.from(text.text)).toEqual(all.slice(0, limit))
        expect(text.full).toBe(all.length > limit)
      }),
    )
  })
})
