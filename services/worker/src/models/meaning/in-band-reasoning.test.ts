import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { InBandReasoning } from './in-band-reasoning.ts'

/** Returns the text of the pieces, piece by piece, and what the end adds. */
function sort(...pieces: string[]): string[] {
  const reasoning = new InBandReasoning()
  return [...pieces.map((piece) => reasoning.add(piece).text), reasoning.end()]
}

describe('reasoning in the text of a reply', () => {
  it('says that the model thinks, and shows nothing', () => {
    const reasoning = new InBandReasoning()
    expect(reasoning.add('<think>a')).toEqual({ text: '', isThinking: true })
    expect(reasoning.add('b')).toEqual({ text: '', isThinking: true })
    expect(reasoning.add('</think>Hi')).toEqual({ text: 'Hi', isThinking: true })
    expect(reasoning.add(' <think>')).toEqual({ text: ' <think>', isThinking: false })
  })

  it('holds a text back only while it may become a mark', () => {
    expect(sort('<', 'b>bold')).toEqual(['', '<b>bold', ''])
    expect(sort('<th', 'e end')).toEqual(['', '<the end', ''])
    expect(sort('Hi', '<think>')).toEqual(['Hi', '<think>', ''])
    expect(sort('[', 'T', 'ODO')).toEqual(['', '', '[TODO', ''])
    expect(sort('<|channel|>', 'x')).toEqual(['', '<|channel|>x', ''])
    expect(sort('<details>\n', '<p>')).toEqual(['', '<details>\n<p>', ''])
    expect(sort(' ', '\n', 'x')).toEqual(['', '', ' \nx', ''])
  })

  it('gives back at the end what did not become one', () => {
    expect(sort('<thin')).toEqual(['', '<thin'])
    expect(sort('  ')).toEqual(['', '  '])
    expect(sort('<think>never ended')).toEqual(['', ''])
  })

  it('holds no more than a mark can be long', () => {
    expect(sort(' '.repeat(601))).toEqual([' '.repeat(601), ''])
    expect(sort(`<think ${'a'.repeat(700)}`)).toEqual([`<think ${'a'.repeat(700)}`, ''])
    expect(sort(`<details ${'a'.repeat(700)}`)[0]).toHaveLength(709)
  })

  it('takes all text back at an end that had no beginning', () => {
    const reasoning = new InBandReasoning()
    expect(reasoning.add('Promise no refunds.\n</th')).toEqual({
      text: 'Promise no refunds.\n</th',
      isThinking: false,
    })
    expect(reasoning.add('ink>\n\nHi')).toEqual({ text: 'Hi', isThinking: true, takesBack: true })
    expect(reasoning.add('\n</think>')).toEqual({ text: '\n</think>', isThinking: false })
    expect(sort('</think>\n\nHi')).toEqual(['Hi', ''])
    expect(sort('a\n</think>\n', '\nHi')).toEqual(['', 'Hi', ''])
  })

  it('leaves an end alone that is part of the answer', () => {
    for (const text of ['Write </think> there.', 'Like\n<think>\n</think>\nthis.']) {
      expect(sort(text)).toEqual([text, ''])
      expect(sort(...text.split(/(?:)/u)).join('')).toBe(text)
    }
  })

  it('is sorted out the same however it is cut', () => {
    const mark = fc.constantFrom(
      '<think>',
      '</think>',
      '[THINK]',
      '[/THINK]',
      '<',
      ' ',
      'a',
      'İ',
      '🎉',
    )
    const text = fc.array(mark, { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(80), { maxLength: 6 }), (whole, positions) => {
        const at = [0, ...positions.toSorted((a, b) => a - b), whole.length]
        const pieces = at.slice(1).map((end, index) => whole.slice(at[index], end))
        expect(sort(...pieces).join('')).toBe(sort(whole).join(''))
      }),
      { numRuns: 1000 },
    )
  })

  it('takes no text that does not begin with a mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (rest) => {
        expect(sort(`a${rest}`)).toEqual([`a${rest}`, ''])
      }),
    )
  })
})
