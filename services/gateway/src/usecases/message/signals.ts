import type { ClientData, ClientPayload } from '@chatbox/contract'
import { AppError, toPartyType } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { Caller, SeenSession } from '../caller.ts'
import { checkSession } from '../check-session.ts'

/**
 * How often typing is noted in the store: by this part of the time after which a quiet session ends.
 * A session thus ends after at least three quarters of that time without a key.
 */
const NOTES_PER_IDLE_TIME = 4

/** Tells the other viewers that this user has started or stopped typing. Typing is an activity. */
export async function setTyping(
  context: Context,
  caller: Caller,
  { sessionId, typing }: ClientPayload<'typing'>,
): Promise<ClientData<'typing'>> {
  // An open session has been checked, and a read of the store would cost more than the rest.
  const seen = caller.viewer.seen(sessionId) ?? (await context.sessions.find(sessionId))
  const who = caller.user
  const session = await checkSession(context, 'signal', { who, session: seen })
  const from = { type: toPartyType(who, session), id: who.id, name: who.name }
  caller.announceTyping({ sessionId, from, typing })
  if (typing) noteActivity(context, caller, sessionId)
  return {}
}

/** Nobody waits for the note. After a failure the next one comes before the session may end. */
function noteActivity(context: Context, { viewer }: Caller, sessionId: string): void {
  const { sessions, clock, options, work, logger } = context
  const now = clock.now()
  const everyMs = options.sessions.idleTimeoutMs / NOTES_PER_IDLE_TIME
  if (!viewer.wakes(sessionId, now.getTime(), everyMs)) return
  work.add(
    sessions
      .noteActivity(sessionId, now)
      .catch((error: unknown) => logger.warn({ err: error, sessionId }, 'activity not noted')),
  )
}

/** Tells the other viewers how far this user has read. */
export async function markRead(
  context: Context,
  caller: Caller,
  input: ClientPayload<'message:read'>,
): Promise<ClientData<'message:read'>> {
  const { sessionId, seq } = input
  const session = await findRead(context, caller, input)
  if (seq > session.lastSeq) {
    throw new AppError('INVALID_FORMAT', 'Field "seq": is beyond the end of the session.')
  }
  const reader = { type: toPartyType(caller.user, session), id: caller.user.id }
  caller.announceReceipt({ sessionId, reader, seq })
  return {}
}

/** Finds a session that reaches `seq`. An old read is enough because logs only grow. */
async function findRead(
  context: Context,
  caller: Caller,
  { sessionId, seq }: ClientPayload<'message:read'>,
): Promise<SeenSession> {
  const { viewer } = caller
  const seen = viewer.seen(sessionId)
  if (seen && seq <= seen.lastSeq) {
    return checkSession(context, 'signal', { who: caller.user, session: seen })
  }
  const session = await checkSession(context, 'signal', {
    session: await context.sessions.find(sessionId),
    who: caller.user,
  })
  viewer.note(session)
  return session
}
