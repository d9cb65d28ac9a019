import { z } from 'zod'

/**
 * Limits that client and server share. Lengths are Unicode code points unless the name says bytes.
 */
export const LIMITS = {
  idLength: 64,
  userIdLength: 255,
  nameLength: 100,
  sessionNameLength: 60,
  contentLength: 10_000,
  /** A model's reply may be longer than a person's message. */
  replyLength: 200_000,
  noteLength: 1000,
  commentLength: 1000,
  tokenLength: 8192,
  cursorLength: 256,
  errorMessageLength: 300,
  attachments: 10,
  historyPage: 200,
  historyPageDefault: 50,
} as const

/**
 * Text of `min` to `max` Unicode code points. A lone surrogate is refused: it has no UTF-8 form, so
 * a store would return a different text.
 */
export function text(min: number, max: number): z.ZodString {
  return (
    z
      .string()
      // A code point is one or two UTF-16 units. Check this cheap limit before the exact count.
      .max(max * 2)
      .refine((value) => value.isWellFormed(), 'holds a lone surrogate')
      .refine((value) => countCodePoints(value) >= min, `has fewer than ${min} characters`)
      .refine((value) => countCodePoints(value) <= max, `has more than ${max} characters`)
      // JSON Schema counts code points, so the generated documents state the exact limits.
      .meta({ minLength: min, maxLength: max })
  )
}

/**
 * A character that can be seen. The others are white space, controls, code points that Unicode lets
 * be ignored in display (zero-width characters, marks of direction, fillers, variation selectors,
 * tags), the empty braille cell and the marks of interlinear notes. Inside a text they stay, because
 * emoji, Arabic, Persian and Indic scripts need them.
 */
const VISIBLE = /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFB]/u

/**
 * Text that a person typed, with at least one visible character. Empty lines at both ends are cut.
 * Everything else stays as it was typed, for example the indentation of the first line.
 */
export const contentSchema = text(1, LIMITS.contentLength)
  .refine((value) => VISIBLE.test(value), 'holds nothing that can be seen')
  .overwrite(cutEmptyLines)

/** An opaque id. Its characters never need escaping in a key, a path or a log line. */
export const idSchema = z.string().regex(/^[\w.~-]{1,64}$/u, 'is not an id')

/** A user's id as the token states it, including e-mail addresses and `visitor:` ids. */
export const userIdSchema = text(1, LIMITS.userIdLength)

export const timeSchema = z.iso.datetime()
export const seqSchema = z.int().min(0)

/** The same rule as `toMessageText` in web/client, which may not import values from here. */
function cutEmptyLines(value: string): string {
  // Lines and the breaks between them, which are no lines that can be seen.
  const parts = value.split(/(\r\n|[\n\r\u2028\u2029])/u)
  const isFull = (part: string): boolean => VISIBLE.test(part)
  return parts.slice(parts.findIndex(isFull), parts.findLastIndex(isFull) + 1).join('')
}

function countCodePoints(value: string): number {
  return value.length - (value.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0)
}
