import { deskSchema, EMPTY_DESK, type Desk } from '@chatbox/contract'
import { toSession, type InboxEntry, type LogHead, type SessionOrigin } from '@chatbox/core'

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
