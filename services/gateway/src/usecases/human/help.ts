import type { ClientData, ClientPayload, Message, Session, User } from '@chatbox/contract'
import { AppError, checkActive, toEntryAlertId } from '@chatbox/core'
import { currentRequestId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import { appendEvent } from '../append-event.ts'
import { checkSession } from '../check-session.ts'

/**
 * Asks for a person. A session has one request at most: asked again, the first one stays, and where
 * a person has taken over there is nothing to ask for.
 */
export async function requestHelp(
  context: Context,
  who: User,
  { sessionId, note = '' }: ClientPayload<'help:request'>,
): Promise<ClientData<'help:request'>> {
  const session = await findOwn(context, who, sessionId)
  checkActive(session)
  if (session.help || session.assistedBy) return { session }
  const sender = { type: 'user' as const, id: who.id, name: who.name }
  const event = { type: 'help_requested' as const, note }
  return change(context, who, { sessionId, sender, event })
}

/** Takes a request for a person back. Does nothing if there is none. */
export async function cancelHelp(
  context: Context,
  who: User,
  { sessionId }: ClientPayload<'help:cancel'>,
): Promise<ClientData<'help:cancel'>> {
  const session = await findOwn(context, who, sessionId)
  checkActive(session)
  if (!session.help) return { session }
  const sender = { type: 'user' as const, id: who.id, name: who.name }
  return change(context, who, { sessionId, sender, event: { type: 'help_resolved' } })
}

/** Where another tab was faster, or a person was, there is nothing to change. */
async function change(
  context: Context,
  who: User,
  entry: Parameters<typeof appendEvent>[1],
): Promise<{ session: Session }> {
  try {
    const { session, message } = await appendEvent(context, entry)
    const isRequest = entry.event.type === 'help_requested'
    context.metrics.helpChanged(isRequest ? 'requested' : 'taken-back')
    if (isRequest) enqueueAlert(context, message)
    return { session }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CONFLICT') throw error
    return { session: await findOwn(context, who, entry.sessionId) }
  }
}

/** The alert was opened with the entry, so one whose job is lost is only later. */
function enqueueAlert({ queue, clock, logger }: Context, { id, sessionId }: Message): void {
  const alertId = toEntryAlertId('help.requested', id)
  const requestId = currentRequestId() ?? clock.newId()
  queue
    .enqueue('deliver-alert', { v: 1, alertId, sessionId, requestId })
    .catch((error: unknown) => logger.warn({ err: error }, 'job not enqueued'))
}

async function findOwn(context: Context, who: User, sessionId: string): Promise<Session> {
  return checkSession(context, 'write', { who, session: await context.sessions.find(sessionId) })
}
