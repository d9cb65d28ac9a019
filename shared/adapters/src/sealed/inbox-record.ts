import { toDesk, toSession, type InboxEntry, type LogHead, type SessionOrigin } from '@chatbox/core'
import { toDeskState } from './desk-record.ts'
import type { RecordDeps } from './key-ring.ts'

/** A session as a store finds it, with what is stored beside its head. */
export interface FoundEntry {
  origin: SessionOrigin
  head: LogHead
  /** In ms since the epoch; undefined if only older versions have changed the session. */
  changedAt: number | undefined
  /** The head of the operators' log as it is stored. */
  desk: unknown
}

export function toInboxEntry(
  deps: RecordDeps,
  { origin, head, changedAt, desk }: FoundEntry,
): InboxEntry {
  const { waitingSince, userTexts = 0, lastActivityAt } = head.state
  return {
    session: toSession(origin, head),
    waitingSince: waitingSince ?? null,
    userTexts,
    desk: toDesk(toDeskState(deps, origin.id, desk), { userTexts }),
    changedAt: changedAt === undefined ? lastActivityAt : new Date(changedAt).toISOString(),
  }
}
