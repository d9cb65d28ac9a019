import { AppError } from '../errors.ts'
import type { InboxList } from '../ports/operators/inbox.ts'

/** The last session of a page, and its time that the list is sorted by. */
export interface ListPlace {
  time: string
  id: string
}

const PLACE = /^(\d{4}-\d{2}-\d{2}T[\d:.]{8,16}Z)\/([\w.~-]{1,64})$/u

/**
 * Returns the cursor of the page after a place. It belongs to one order, because a place in another
 * one means nothing.
 */
export function toListCursor({ sort, order }: InboxList, { time, id }: ListPlace): string {
  return Buffer.from(`${sort}/${order}/${time}/${id}`).toString('base64url')
}

/** Returns the place where a page begins. Throws `INVALID_FORMAT` for a cursor of another list. */
export function toListPlace(list: InboxList): ListPlace | undefined {
  const { sort, order, after } = list
  if (after === undefined) return undefined
  const text = Buffer.from(after, 'base64url').toString()
  const start = `${sort}/${order}/`
  const found = text.startsWith(start) ? PLACE.exec(text.slice(start.length)) : null
  const [, time, id] = found ?? []
  if (time !== undefined && id !== undefined && toListCursor(list, { time, id }) === after) {
    return { time, id }
  }
  throw new AppError('INVALID_FORMAT', 'Field "after": was not issued for this list.')
}
