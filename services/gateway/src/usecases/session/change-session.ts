import type {
  ClientData,
  ClientPayload,
  Sender,
  Session,
  SessionEvent,
  User,
} from '@chatbox/contract'
import { AppError, checkActive, toPartyType } from '@chatbox/core'
import type { Context } from '../../context.ts'
import { appendEvent, toEventMessage } from '../append-event.ts'
import { checkSession } from '../check-session.ts'
import { settleQuestions } from '../reply/settle-questions.ts'

const SYSTEM_SENDER: Sender = { type: 'system', id: 'system', name: '' }

type EndReason = Extract<SessionEvent, { type: 'session_ended' }>['reason']

/** Ends a session for any user who may see it. Returns an ended session unchanged. */
export async function endSession(
  context: Context,
  who: User,
  input: { sessionId: string },
): Promise<{ session: Session }> {
  const session = await checkSession(context, 'end', {
    who,
    session: await context.sessions.find(input.sessionId),
  })
  const type = toPartyType(who, session)
  const sender: Sender = { type, id: who.id, name: who.name }
  const reason = type === 'user' ? 'user' : 'operator'
  return { session: await closeSession(context, session, { sender, reason }) }
}

/** Ends a session that its user has abandoned. Throws `CONFLICT` if it has changed since. */
export async function retireSession(
  context: Context,
  session: Session,
  reason: 'idle' | 'replaced',
): Promise<void> {
  const expectedSeq = reason === 'idle' ? { expectedSeq: session.lastSeq } : {}
  await closeSession(context, session, { sender: SYSTEM_SENDER, reason, ...expectedSeq })
}

interface Ending {
  sender: Sender
  reason: EndReason
  expectedSeq?: number
}

async function closeSession(context: Context, session: Session, ending: Ending): Promise<Session> {
  const { sender, reason, ...expectation } = ending
  const event: SessionEvent = { type: 'session_ended', reason }
  const message = toEventMessage(context, { sessionId: session.id, sender, event })
  const appended = await unlessEnded(context.messages.append({ message, ...expectation }))
  // Also after another process ended it, because that process may have died before this.
  await settleQuestions(context, session.id, 'all')
  if (!appended) return (await context.sessions.find(session.id)) ?? session
  context.announceEntry(appended.message, appended.session)
  return appended.session
}

async function unlessEnded<T>(appending: Promise<T>): Promise<T | undefined> {
  try {
    return await appending
  } catch (error) {
    if (error instanceof AppError && error.code === 'SESSION_ENDED') return undefined
    throw error
  }
}

/** Selects the model for further questions. Does nothing if the model is already selected. */
export async function selectModel(
  context: Context,
  who: User,
  input: ClientPayload<'model:select'>,
): Promise<ClientData<'model:select'>> {
  const session = await checkSession(context, 'write', {
    who,
    session: await context.sessions.find(input.sessionId),
  })
  checkModel(context, input.modelId)
  checkActive(session)
  if (session.modelId === input.modelId) return { session }
  const event: SessionEvent = { type: 'model_selected', modelId: input.modelId }
  const sender = { type: 'user' as const, id: who.id, name: who.name }
  const appended = await appendEvent(context, { sessionId: session.id, sender, event })
  return { session: appended.session }
}

/** Throws `INVALID_MODEL` if users may not choose this model. */
export function checkModel({ options }: Context, modelId: string): void {
  if (options.models.some((model) => model.id === modelId)) return
  throw new AppError('INVALID_MODEL', 'Unknown model.')
}
