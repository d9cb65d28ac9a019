import type { ClientData, ClientPayload, Session, User } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import { toOwnedId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { checkModel, retireSession } from './change-session.ts'

/** How often a concurrent open may win before this one gives up. */
const MAX_TRIES = 5

/** Creates a session that replaces the user's active one. */
export async function createSession(
  context: Context,
  { user, viewer }: Caller,
  input: ClientPayload<'session:create'>,
): Promise<ClientData<'session:create'>> {
  const modelId = input.modelId ?? context.options.models[0].id
  checkModel(context, modelId)
  const active = await context.sessions.findActive(user.id)
  if (active) await retireSession(context, active, 'replaced')
  const session = await startSession(context, user, modelId)
  await viewer.join(session.id)
  viewer.note(session)
  return { session }
}

/** Returns the user's active session if it is fresh, else replaces it with a new one. */
export async function resumeOrStartSession(context: Context, who: User): Promise<Session> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const active = await context.sessions.findActive(who.id)
    if (active && isFresh(context, active)) return active
    if (!active || (await hasRetired(context, active))) {
      return await startSession(context, who, context.options.models[0].id)
    }
  }
  throw new AppError('CONFLICT', 'This session is in use elsewhere.', { retryable: true })
}

/** Stores a session. Concurrent callers for one user all get the same session. */
async function startSession(context: Context, who: User, modelId: string): Promise<Session> {
  const { sessions, clock, pseudonym } = context
  const { session } = await sessions.create({
    id: toOwnedId(clock.newId(), pseudonym(who.id)),
    userId: who.id,
    userName: who.name,
    startedAt: clock.now().toISOString(),
    modelId,
  })
  return session
}

function isFresh({ clock, options }: Context, session: Session): boolean {
  const idleMs = clock.now().getTime() - Date.parse(session.lastActivityAt)
  return idleMs <= options.sessions.reconnectTimeoutMs
}

/** Returns false if the session has changed since it was read, so that it is fresh again. */
async function hasRetired(context: Context, session: Session): Promise<boolean> {
  try {
    await retireSession(context, session, 'idle')
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'CONFLICT') return false
    throw error
  }
}
