import type { Notice } from '@chatbox/core'
import { toLine, toParagraph, toSafeLink } from '../notice.ts'
import { measureSms, toGraphemes, toPlainCharacters, type SmsSize } from './gsm-text.ts'

/** Each segment is paid for by itself, and by recipient. */
export const MAX_SMS_SEGMENTS = 2

/**
 * Returns the text of a notice and its size. If it needs more than `MAX_SMS_SEGMENTS`, words are cut
 * and the link stays, because half a link leads nowhere. A link that is too long alone is left out.
 */
export function toSmsText(notice: Notice): SmsSize & { body: string } {
  const link = toSafeLink(notice)
  const end = link === undefined || !fits(`...\n${link}`) ? '' : `\n${link}`
  const words = [toLine(notice.subject), notice.text === undefined ? '' : toParagraph(notice.text)]
  const text = toPlainCharacters(words.filter(Boolean).join('\n'))
  const body = fits(text + end) ? text + end : shorten(text, end)
  return { body, ...measureSms(body) }
}

/** Halves the span between what fits and what does not, because measuring reads the whole text. */
function shorten(text: string, end: string): string {
  const graphemes = toGraphemes(text)
  const toBody = (count: number) => `${graphemes.slice(0, count).join('').trimEnd()}...${end}`
  let [low, high] = [0, graphemes.length]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (fits(toBody(middle))) low = middle
    else high = middle
  }
  return toBody(low)
}

function fits(text: string): boolean {
  return measureSms(text).segments <= MAX_SMS_SEGMENTS
}
