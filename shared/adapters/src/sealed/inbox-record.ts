import { deskSchema, EMPTY_DESK, type Desk } from '@chatbox/contract'
import {
  AppError,
  toSession,
  type InboxEntry,
  type InboxList,
  type LogHead,
  type SessionOrigin,
} from '@chatbox/core'
import { z } from 'zod'

/** A session as a store finds it, with what is stored beside its head. */
export interface FoundEntry {
  origin: SessionOrigin
  head: LogHead
  /** In ms since the epoch; undefined if only older versions have changed the session. */
  changedAt: number | undefined
  desk: unknown
}

export function toInboxEntry({ origin, head, changedAt, desk }: FoundEntry): InboxEntry {
  const { waitingSince, userTexts, lastActivityAt } = head.state
  return {
    session: toSession(origin, head),
    waitingSince: waitingSince ?? null,
    userTexts: userTexts ?? 0,
    desk: toDesk(desk),
    changedAt: changedAt === undefined ? lastActivityAt : new Date(changedAt).toISOString(),
  }
}

/** Returns the stored desk, or an empty one if there is none that can be read. */
function toDesk(stored: unknown): Desk {
  return deskSchema.safeParse(stored).data ?? EMPTY_DESK
}

const cursorSchema = z.tuple([
  z.enum(['lastActivityAt', 'startedAt']),
  z.enum(['asc', 'desc']),
  z.iso.datetime(),
  z.string().regex(/^[\w.~-]{1,64}$/u),
])

/** The last session of a page. */
export interface ListPlace {
  time: string
  id: string
}

/** A cursor belongs to one order, because a place in another one means nothing. */
export function toListCursor({ sort, order }: InboxList, { time, id }: ListPlace): string {
  return Buffer.from(JSON.stringify([sort, order, time, id])).toString('base64url')
}

/** Returns the place where a page begins. Throws `INVALID_FORMAT` for a cursor of another list. */
export function toListPlace({ sort, order, after }: InboxList): ListPlace | undefined {
  if (after === undefined) return undefined
  const parsed = cursorSchema.safeParse(decode(after))
  if (parsed.success && parsed.data[0] === sort && parsed.data[1] === order) {
    return { time: parsed.data[2], id: parsed.data[3] }
  }
  throw new AppError('INVALID_FORMAT', 'The field after was not issued for this list.')
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}
