import type { ClientData, ClientPayload, NewDeskAction } from '@chatbox/contract'
import { AppError, type DeskAppended } from '@chatbox/core'
import { toMessageId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { checkSession } from '../check-session.ts'

/**
 * Appends to a session's operators' log, also after the session has ended, and tells the operators
 * who follow it. Returns once the entry is durable.
 */
export async function appendDesk(
  context: Context,
  { user }: Pick<Caller, 'user'>,
  { sessionId, clientEntryId, action }: ClientPayload<'desk:append'>,
): Promise<ClientData<'desk:append'>> {
  const found = await context.sessions.find(sessionId)
  const session = await checkSession(context, 'assist', { who: user, session: found })
  if (action.type === 'tagged') await checkTags(context, sessionId, action.tags)
  if (action.type === 'summary' && action.upToSeq > session.lastSeq) {
    throw new AppError(
      'INVALID_FORMAT',
      'Field "action.upToSeq": is beyond the end of the session.',
    )
  }
  const appended = await context.desks.append({
    // Two operators may choose the same id. Neither text contains JSON's separators unescaped.
    id: toMessageId(sessionId, JSON.stringify(['desk', user.id, clientEntryId])),
    sessionId,
    by: { id: user.id, name: user.name },
    at: context.clock.now().toISOString(),
    action: withExactTime(action),
  })
  if (appended.appended) context.work.runAfterAnswer(() => context.announceDesk(toNews(appended)))
  return toNews(appended)
}

function toNews({ entry, desk }: DeskAppended): ClientData<'desk:append'> {
  return { entry, desk }
}

/** What the session has already may stay, so that a tag can be taken out of the settings. */
async function checkTags(
  { desks, options }: Context,
  sessionId: string,
  tags: readonly string[],
): Promise<void> {
  const known = new Set(options.operators.tags)
  const foreign = tags.findIndex((tag) => !known.has(tag))
  if (foreign === -1) return
  const opened = await desks.open(sessionId, { limit: 1 })
  for (const tag of opened?.desk.tags ?? []) known.add(tag)
  const unknown = tags.findIndex((tag) => !known.has(tag))
  if (unknown === -1) return
  throw new AppError('INVALID_FORMAT', `Field "action.tags.${unknown}": is not a known tag.`)
}

/** Times of the same precision sort as text, and so do the sessions that wake. */
function withExactTime(action: NewDeskAction): NewDeskAction {
  if (action.type !== 'snoozed' || action.until === null) return action
  return { ...action, until: new Date(action.until).toISOString() }
}

/** Keeps what the caller has not sent yet, for all their pages. */
export async function saveDraft(
  context: Context,
  { user }: Pick<Caller, 'user'>,
  { sessionId, text }: ClientPayload<'desk:draft'>,
): Promise<ClientData<'desk:draft'>> {
  const session = await context.sessions.find(sessionId)
  await checkSession(context, 'assist', { who: user, session })
  await context.desks.saveDraft({ sessionId, operatorId: user.id }, text)
  return {}
}
