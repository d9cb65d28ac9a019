import type { InboxView } from '@chatbox/contract'
import { isSnoozed } from '../desk/place-desk-entry.ts'
import type { InboxEntry } from '../ports/operators/inbox.ts'

/** The views that look the same to each operator. */
export type SharedView = Exclude<InboxView, 'mine'>

/**
 * Returns the views that hold a session, besides `mine` of those whom `toHolders` names. A snoozed
 * session is only in its own view, until its time comes or its user writes.
 */
export function toViews({ session, desk }: InboxEntry, now: Date): SharedView[] {
  if (session.status === 'ended') return ['ended']
  if (isSnoozed(desk, now)) return ['snoozed']
  if (session.assistedBy) return []
  const isWanted = session.help !== null || session.adminAssisted
  return [
    session.help ? 'help' : 'assistant',
    ...(isWanted && !desk.assignee ? (['unassigned'] as const) : []),
  ]
}

/** Returns the operators whose view `mine` holds a session: who has it, and its assignee. */
export function toHolders({ session, desk }: InboxEntry, now: Date): string[] {
  if (session.status === 'ended' || isSnoozed(desk, now)) return []
  return [...new Set([session.assistedBy?.id, desk.assignee?.id])].filter((id) => id !== undefined)
}

/** Returns whether an operator has a part in a session now, so that its messages count as unread. */
export function isConcerned(operatorId: string, { session, desk }: InboxEntry): boolean {
  return session.assistedBy?.id === operatorId || desk.assignee?.id === operatorId
}

const LATEST_MS = 8.64e15
const DIGITS = 16

/**
 * Returns a text by which sessions are sorted in views: who waits longest comes first, then those
 * who do not wait, the latest activity first. Unique by session.
 */
export function toOrderKey({ session, waitingSince }: InboxEntry): string {
  const time =
    waitingSince === null
      ? `1${toDigits(LATEST_MS - Date.parse(session.lastActivityAt))}`
      : `0${toDigits(Date.parse(waitingSince))}`
  return `${time}.${session.id}`
}

export const ORDER_KEY = /^[01]\d{16}\.[\w.~-]{1,64}$/u

function toDigits(ms: number): string {
  return String(ms).padStart(DIGITS, '0')
}
