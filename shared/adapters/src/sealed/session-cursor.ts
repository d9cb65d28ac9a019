import { AppError } from '@chatbox/core'
import { z } from 'zod'

/** The last session of a page: the next page begins after it. */
export interface SessionCursor {
  lastActivityAt: string
  id: string
}

const MAX_LENGTH = 256
const cursorSchema = z.tuple([z.iso.datetime(), z.string().regex(/^[\w.~-]{1,64}$/u)])

export function toCursor({ lastActivityAt, id }: SessionCursor): string {
  return Buffer.from(JSON.stringify([lastActivityAt, id])).toString('base64url')
}

/** Throws `INVALID_FORMAT` for anything that `toCursor` does not write. */
export function parseCursor(cursor: string): SessionCursor {
  const fields = cursorSchema.safeParse(decode(cursor))
  if (fields.success) {
    const [lastActivityAt, id] = fields.data
    if (toCursor({ lastActivityAt, id }) === cursor) return { lastActivityAt, id }
  }
  throw new AppError('INVALID_FORMAT', 'The field cursor is not one that was issued.')
}

function decode(cursor: string): unknown {
  if (cursor.length > MAX_LENGTH) return undefined
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}
