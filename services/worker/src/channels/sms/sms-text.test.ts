import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SegmentedMessage } from 'sms-segments-calculator'
import { measureSms, toPlainCharacters } from './gsm-text.ts'
import { MAX_SMS_SEGMENTS, toSmsText } from './sms-text.ts'

const LINK = 'https://chat.site.org/chatbox/console?session=aZ09_-aZ09_-aZ09_-aZ'
const GSM = Array.from(
  '@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!"#¤%&()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€ abcXYZ019\n',
)

function ask(text: string) {
  const { encodingName, segmentsCount } = new SegmentedMessage(text)
  return { encoding: encodingName, segments: segmentsCount }
}

function notice(subject: string, rest: object = {}) {
  return { id: 'a', kind: 'test', subject, time: new Date(0), ...rest }
}

describe('the segments of a text', () => {
  const gsm = fc.string({ unit: fc.constantFrom(...GSM), maxLength: 500 })
  const mixed = fc.string({
    unit: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...GSM) },
      { weight: 1, arbitrary: fc.constantFrom('я', '“', '中', '😀', '🇩🇪', 'é', '\u00e7', '`') },
    ),
    maxLength: 300,
  })

  it.each([
    ['characters of GSM-7', gsm],
    ['any characters', mixed],
  ])('of %s are those that the sender bills', (_what, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(measureSms(text)).toEqual(ask(text))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['', 1],
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['a'.repeat(306), 2],
    ['a'.repeat(307), 3],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    // An escape sequence is not split: 76 of them in a segment leave one septet unused.
    ['€'.repeat(152), 2],
    ['€'.repeat(153), 3],
    ['я'.repeat(70), 1],
    ['я'.repeat(71), 2],
    ['я'.repeat(134), 2],
    ['я'.repeat(135), 3],
    // 33 pairs in a segment leave one unit unused.
    ['😀'.repeat(66), 2],
    ['😀'.repeat(67), 3],
  ])('of %j are %i', (text, segments) => {
    expect(measureSms(text).segments).toBe(segments)
    expect(ask(text).segments).toBe(segments)
  })
})

describe('the text of an SMS', () => {
  it('has plain characters for typographic ones', () => {
    const { body, encoding } = toSmsText(notice('“Hello” – it’s `x`…\u00a0now\u200b'))
    expect(body).toBe("\"Hello\" - it's 'x'... now")
    expect(encoding).toBe('GSM-7')
    expect(toPlainCharacters('e\u0301')).toBe('é')
  })

  it('is cut at two segments between characters, and keeps its link whole', () => {
    const unit = fc.oneof(fc.constantFrom(...GSM, '😀', '👩‍👩‍👧', 'я', '\ud83d', '\r'), fc.string())
    const words = fc.string({ unit, maxLength: 400 })
    fc.assert(
      fc.property(words, words, fc.boolean(), (subject, text, hasLink) => {
        const { body, segments } = toSmsText(
          notice(subject, { text, ...(hasLink ? { link: LINK } : {}) }),
        )
        expect(segments).toBe(ask(body).segments)
        expect(segments).toBeLessThanOrEqual(MAX_SMS_SEGMENTS)
        expect(body.isWellFormed()).toBe(true)
        expect(body.endsWith(`\n${LINK}`)).toBe(hasLink)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['😀'.repeat(190), 'a pair'],
    [`a${'😀'.repeat(190)}`, 'a pair at an odd place'],
    ['👩‍👩‍👧'.repeat(38), 'a family'],
  ])('never splits what is seen as one character: %#, %s', (subject) => {
    const { body } = toSmsText(notice(subject))
    const seen = Array.from(new Intl.Segmenter().segment(body), ({ segment }) => segment)
    expect(new Set(seen)).toEqual(
      new Set([...new Intl.Segmenter().segment(subject)].map(({ segment }) => segment).concat('.')),
    )
    expect(body.endsWith('...')).toBe(true)
  })

  it('leaves a link out that is too long alone', () => {
    const link = `https://chat.site.org/${'a'.repeat(400)}`
    expect(toSmsText(notice('Help', { link }))).toMatchObject({ body: 'Help', segments: 1 })
  })
})
