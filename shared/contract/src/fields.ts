import { z } from 'zod'

/** Numbers that both sides of the wire agree on. Lengths are Unicode code points unless a name says bytes. */
export const LIMITS = {
  idLength: 64,
  userIdLength: 255,
  nameLength: 100,
  sessionNameLength: 60,
  contentLength: 10_000,
  /** A model's reply may be longer than what a person types. */
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
 * it would come back from a store as another text than was sent.
 */
export function text(min: number, max: number): z.ZodString {
  return (
    z
      .string()
      // A code point is one or two UTF-16 units: this cheap bound comes before the exact count.
      .max(max * 2)
      .refine((value) => value.isWellFormed(), 'holds a lone surrogate')
      .refine((value) => countCodePoints(value) >= min, `has fewer than ${min} characters`)
      .refine((value) => countCodePoints(value) <= max, `has more than ${max} characters`)
      // JSON Schema counts code points, so the generated documents state the exact bounds.
      .meta({ minLength: min, maxLength: max })
  )
}

/** What a person typed: at least one character that can be seen. */
export const contentSchema = text(1, LIMITS.contentLength).refine(
  (value) => /\S/u.test(value),
  'holds only white space',
)

/** An opaque id. Narrow enough that an id never needs escaping in a key, a path or a log line. */
export const idSchema = z.string().regex(/^[\w.~-]{1,64}$/u, 'is not an id')

/** A user's id as its token states it: e-mail addresses and `visitor:` ids included. */
export const userIdSchema = text(1, LIMITS.userIdLength)

export const timeSchema = z.iso.datetime()
export const seqSchema = z.int().min(0)

function countCodePoints(value: string): number {
  return value.length - (value.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0)
}
