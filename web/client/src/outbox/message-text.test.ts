import { describe, expect, it } from '@jest/globals'
import { contentSchema } from '@chatbox/contract'
import fc from 'fast-check'
import { toMessageText } from './message-text.ts'

const UNITS = [
  ' ',
  '\n',
  '\r',
  '\t',
  '\u200B',
  '\u200D',
  '\u2028',
  '\uFE0F',
  '\u2800',
  'a',
  '👩',
  '\uD83D',
]

describe('what is sent of a typed text', () => {
  it('is what the server takes, and takes unchanged', () => {
    const typed = fc.string({ unit: fc.constantFrom(...UNITS), maxLength: 12 })
    fc.assert(
      fc.property(typed, (value) => {
        const sent = toMessageText(value)
        const taken = contentSchema.safeParse(sent)
        expect([value, taken.success]).toEqual([value, sent !== ''])
        if (taken.success) expect(taken.data).toBe(sent)
        // The page cuts what the server would cut, and sends whatever the server would take.
        const whole = contentSchema.safeParse(value)
        if (whole.success) expect(sent).toBe(whole.data)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['cut \uD83D', 'cut \uFFFD'],
    ['\uDC4B\uD83D', '\uFFFD\uFFFD'],
    ['whole 👋', 'whole 👋'],
    ['\n\n    if (a) {\n      b()\n\n', '    if (a) {\n      b()'],
    ['\u200B', ''],
    ['\uFEFF\n \u2060', ''],
    ['👩‍👩‍👧‍👦', '👩‍👩‍👧‍👦'],
    ['\u200Fשלום', '\u200Fשלום'],
  ])('of %j is %j', (typed, sent) => {
    expect(toMessageText(typed)).toBe(sent)
  })
})
