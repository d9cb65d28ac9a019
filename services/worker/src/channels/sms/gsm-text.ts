/** The characters of GSM 03.38 that take one septet. */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
/** Those that take two. */
const EXTENDED = '\f^{}\\[~]|€'

const SEPTETS: ReadonlyMap<string, number> = new Map([
  ...Array.from(BASIC, (character) => [character, 1] as const),
  ...Array.from(EXTENDED, (character) => [character, 2] as const),
])

/** What word processors and phones put in place of plain characters. */
const TYPOGRAPHIC: Readonly<Record<string, string>> = {
  '\u2018': "'",
  '\u2019': "'",
  '\u201a': "'",
  '\u201b': "'",
  '\u2032': "'",
  '\u00b4': "'",
  '\u0060': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u201e': '"',
  '\u201f': '"',
  '\u2033': '"',
  '\u00ab': '"',
  '\u00bb': '"',
  '\u2010': '-',
  '\u2011': '-',
  '\u2012': '-',
  '\u2013': '-',
  '\u2014': '-',
  '\u2015': '-',
  '\u2212': '-',
  '\u2022': '*',
  '\u2026': '...',
  '\u00a0': ' ',
  '\u2002': ' ',
  '\u2003': ' ',
  '\u2009': ' ',
  '\u200a': ' ',
  '\u202f': ' ',
  '\u200b': '',
  '\t': ' ',
}

/** Returns the text with plain characters: one smart quote would make each segment half as long. */
export function toPlainCharacters(text: string): string {
  return Array.from(text.normalize('NFC'), (one) => TYPOGRAPHIC[one] ?? one).join('')
}

export interface SmsSize {
  encoding: 'GSM-7' | 'UCS-2'
  segments: number
}

/** The bits of one message, and those that the header of each of several takes. */
const SEGMENT_BITS = 1120
const HEADER_BITS = 48

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * Counts the segments that a text is billed as: 160 septets or 70 units of UTF-16 alone, and 153 or 67
 * in each of several. What a reader sees as one character is never split, nor is an escape sequence.
 */
export function measureSms(text: string): SmsSize {
  const graphemes = toGraphemes(text)
  const isGsm = graphemes.every((one) => SEPTETS.has(one))
  const sizes = graphemes.map((one) => (isGsm ? 7 * (SEPTETS.get(one) ?? 0) : 16 * one.length))
  const encoding = isGsm ? 'GSM-7' : 'UCS-2'
  const total = sizes.reduce((sum, bits) => sum + bits, 0)
  if (total <= SEGMENT_BITS) return { encoding, segments: 1 }
  return { encoding, segments: countSegments(sizes) }
}

function countSegments(sizes: readonly number[]): number {
  let [segments, used] = [1, HEADER_BITS]
  for (const bits of sizes) {
    if (used + bits > SEGMENT_BITS) {
      segments += 1
      used = HEADER_BITS
    }
    used += bits
  }
  return segments
}

/** CR and LF are one grapheme, and two characters of an SMS. */
export function toGraphemes(text: string): string[] {
  const graphemes = Array.from(GRAPHEMES.segment(text), ({ segment }) => segment)
  return graphemes.flatMap((one) => (one === '\r\n' ? ['\r', '\n'] : [one]))
}
