import type { ClientData, ClientPayload } from '@chatbox/contract'
import { AppError, INBOX_SLACK_MS, isConcerned } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { checkSession } from '../check-session.ts'

/** A console that has missed more reads its lists anew, which comes from memory. */
export const MAX_CATCH_UP = 500
const CURSOR = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/** Tells the caller of every change from now on, and of those since `cursor`. */
export async function subscribeInbox(
  context: Context,
  caller: Caller,
  { cursor }: ClientPayload<'inbox:subscribe'>,
): Promise<ClientData<'inbox:subscribe'>> {
  const since = cursor === undefined ? undefined : toTime(cursor)
  await caller.followInbox()
  const { inboxHub } = context
  const feed = await inboxHub.open()
  // Taken before the changes are read, so that what comes in between is told of twice.
  const now = inboxHub.cursor()
  const operatorId = caller.user.id
  const missed =
    since === undefined ? new Set<string>() : await findMissed(context, operatorId, since)
  const entries = missed ? await context.inbox.read([...missed]) : []
  await context.guard.chargeRead(operatorId, { entries: 2 * entries.length, length: 0 })
  return {
    counts: inboxHub.counts(operatorId, feed),
    cursor: now,
    rows: entries.map((entry) => inboxHub.toRow(operatorId, entry)),
    isTooOld: missed === undefined,
    isPartial: feed.rows.isPartial,
  }
}

function toTime(cursor: string): Date {
  const time = new Date(cursor)
  if (CURSOR.test(cursor) && !Number.isNaN(time.getTime())) return time
  throw new AppError('INVALID_FORMAT', 'Field "cursor": was not issued by this server.')
}

/** Undefined if there are too many. */
async function findMissed(
  { inbox }: Context,
  operatorId: string,
  cursor: Date,
): Promise<Set<string> | undefined> {
  const changedAt = new Date(cursor.getTime() - INBOX_SLACK_MS)
  const [changes, moved] = await Promise.all([
    inbox.listChanges({ changedAt, sessionId: '' }, MAX_CATCH_UP + 1),
    inbox.listMovedReadMarks(changedAt, MAX_CATCH_UP + 1),
  ])
  if (changes.length > MAX_CATCH_UP || moved.length > MAX_CATCH_UP) return undefined
  const own = moved.filter((mark) => mark.operatorId === operatorId)
  return new Set([...changes, ...own].map(({ sessionId }) => sessionId))
}

/**
 * Notes that the caller has read up to an entry, for all their tabs. Ignored where the caller has no
 * part in the session: whoever only looks leaves nothing unread.
 */
export async function readInbox(
  context: Context,
  { user }: Caller,
  { sessionId, seq }: ClientPayload<'inbox:read'>,
): Promise<ClientData<'inbox:read'>> {
  const { inbox, sessions, inboxHub } = context
  const session = await checkSession(context, 'assist', {
    who: user,
    session: await sessions.find(sessionId),
  })
  if (seq > session.lastSeq) {
    throw new AppError('INVALID_FORMAT', 'Field "seq": is beyond the end of the session.')
  }
  const [entry] = await inbox.read([sessionId])
  const isPart = entry && isConcerned(user.id, { ...entry, session })
  if (!isPart && !(await inbox.findReadMark(user.id, sessionId))) return {}
  await inbox.moveReadMark(user.id, sessionId, seq)
  const mark = await inbox.findReadMark(user.id, sessionId)
  if (mark) inboxHub.noteMoved([mark])
  return {}
}
