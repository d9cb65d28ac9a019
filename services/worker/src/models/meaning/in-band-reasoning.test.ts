import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { InBandReasoning } from './in-band-reasoning.ts'

/** Returns the text of the pieces, piece by piece, and what the end adds. */
function sort(...pieces: string[]): string[] {
  const reasoning = new InBandReasoning()
  return [...pieces.map((piece) => reasoning.add(piece).text), reasoning.end().text]
}

/** Returns the text of the whole reply, without what is taken back. */
function toShown(pieces: string[]): string {
  const reasoning = new InBandReasoning()
  const sorted = [...pieces.map((piece) => reasoning.add(piece)), reasoning.end()]
  return sorted.reduce((shown, { text, takesBack }) => (takesBack ? text : shown + text), '')
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
    expect(sort('<details>\n<summary>Thinking', ' it over')[1]).toMatch(/Thinking it over$/)
    expect(sort('</think>', ' ends')).toEqual(['', '</think> ends', ''])
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
    expect(reasoning.add('ink>')).toEqual({ text: 'ink>', isThinking: false })
    expect(reasoning.add('\n\nHi')).toEqual({ text: 'Hi', isThinking: true, takesBack: true })
    expect(reasoning.add('\n</think>')).toEqual({ text: '\n</think>', isThinking: false })
    expect(sort('</think>\n\nHi')).toEqual(['Hi', ''])
    expect(sort('a\n</think>\n', '\nHi')).toEqual(['', 'Hi', ''])
    expect(sort('a\n</think> \r\n', 'Hi')).toEqual(['', 'Hi', ''])
    expect(sort('```\na\n```\n</think>\nHi')).toEqual(['Hi', ''])
  })

  it('takes all text back where such an end is the last line', () => {
    for (const text of ['Promise no refunds.\n</think>', 'hm\n</think>  ', '</think>']) {
      const reasoning = new InBandReasoning()
      reasoning.add(text)
      expect(reasoning.end()).toEqual({ text: '', isThinking: true, takesBack: true })
    }
  })

  it('leaves an end alone that is part of the answer', () => {
    for (const text of [
      'Write </think> there.',
      'Like\n<think>\n</think>\nthis.',
      '</think> ends it.',
      'So:\n</think> ends it.',
      'So:\n```\n</think>\n```\nthat is it.',
      'So:\n1. Write\n   ~~~html\n</think>\n   ~~~',
      'So:\n````\n```\n</think>\n````',
      'So:\n    </think>\nindented',
      `So ${'x'.repeat(400)}\n${' '.repeat(400)}</think>\n`,
    ]) {
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
      '\n',
      '\n</think>\n',
      '\n```\n',
      'a',
      'İ',
      '🎉',
    )
    const text = fc.array(mark, { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(80), { maxLength: 6 }), (whole, positions) => {
        const at = [0, ...positions.toSorted((a, b) => a - b), whole.length]
        const pieces = at.slice(1).map((end, index) => whole.slice(at[index], end))
        expect(toShown(pieces)).toBe(toShown([whole]))
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
