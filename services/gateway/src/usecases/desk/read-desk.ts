import { LIMITS, type ClientData, type ClientPayload } from '@chatbox/contract'
import { notFound, type OpenedDesk } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { checkSession } from '../check-session.ts'
import { PAGE_TEXT_LENGTH } from '../session/read-session.ts'

/** Reads a page of a session's operators' log, and tells the caller of each entry from now on. */
export async function openDesk(
  context: Context,
  caller: Caller,
  { sessionId, afterSeq, limit = LIMITS.historyPageDefault }: ClientPayload<'desk:open'>,
): Promise<ClientData<'desk:open'>> {
  const { desks, sessions, guard, options } = context
  const { id } = caller.user
  const found = await sessions.find(sessionId)
  const { status } = await checkSession(context, 'assist', { who: caller.user, session: found })
  // Before the log is read, so that no entry falls in between.
  caller.followDesk(sessionId)
  const range = { limit, maxLength: PAGE_TEXT_LENGTH }
  const [opened, draft] = await Promise.all([
    desks.open(sessionId, afterSeq === undefined ? range : { ...range, afterSeq }),
    desks.findDraft({ sessionId, operatorId: id }),
  ])
  if (!opened) throw notFound()
  await guard.chargeRead(id, toWork(opened, draft))
  // A process of an earlier version ends a session without deleting the drafts.
  const ownDraft = status === 'active' ? draft : ''
  return { ...opened, draft: ownDraft, knownTags: [...options.operators.tags] }
}

function toWork({ entries }: OpenedDesk, draft: string): { entries: number; length: number } {
  const texts = entries.map(({ action }) => ('text' in action ? action.text.length : 0))
  const length = texts.reduce((sum, of) => sum + of, draft.length)
  // The draft and the head are decrypted too.
  return { entries: entries.length + 2, length }
}
