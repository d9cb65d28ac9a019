import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { withoutQuotes } from './without-quotes.ts'

const WORDS = 'Only user and\nassistant "roles" are supported!'

describe('a refusal without what it quotes', () => {
  it.each([
    ['as it is', `no: ${WORDS} (400)`, 'no:  ! (400)'],
    ['as JSON', `{"input":${JSON.stringify(WORDS)}}`, '{"input":" !"}'],
    ['twice as JSON', JSON.stringify(JSON.stringify(WORDS)), String.raw`"\" !\""`],
    ['in other letters', `no: ${WORDS.toUpperCase()}`, 'no:  !'],
    ['in part', "input: 'Only user and assist...'", "input: ' ...'"],
    ['twice', `${WORDS} and ${WORDS}`, ' ! and  !'],
  ])('has none of it: %s', (_how, refusal, left) => {
    expect(withoutQuotes(refusal, ['Hello', WORDS])).toBe(left)
  })

  it.each([
    ['a name of one word', 'what is max_completion_tokens', "'...max_completion_tokens'"],
    ['a whole short text', 'stream_options', "unknown: 'stream_options'"],
    ['a text with a backslash', String.raw`\max_completion_tokens`, '"\\\\max_completion_tokens"'],
    ['letters of other lengths', 'İ: System role not supported', 'İ: System role not supported'],
  ])('does not name what it quotes: %s', (_what, text, refusal) => {
    const left = withoutQuotes(refusal, [text])
    expect(left).not.toMatch(/max_completion|stream_options|system role/i)
  })

  it.each([
    ['a phrase that occurs by chance', 'Is Apple Pay not supported?', 'System role not supported'],
    ['a short text', 'system', "does not support 'system' with this model"],
    ['nothing in common', 'Where is my order?', 'Unknown field stream_options'],
  ])('is left as it is: %s', (_what, text, refusal) => {
    expect(withoutQuotes(refusal, [text])).toBe(refusal)
  })

  it('keeps what stands around a quote, whatever that is', () => {
    const text = fc.string({ minLength: 18, unit: fc.constantFrom(...Array.from('abcdef')) })
    const around = fc.string({ maxLength: 40, unit: fc.constantFrom(...Array.from('XYZ.,:{}" ')) })
    fc.assert(
      fc.property(text, around, around, (quote, before, after) => {
        const left = withoutQuotes(`${before} '${quote}' ${after}`, [quote])
        expect(left).toBe(`${before} ' ' ${after}`)
      }),
    )
  })
})
