import type { Session, User } from '@chatbox/contract'
import { AppError, type Sessions } from '@chatbox/core'
import { toOwnedId } from '@chatbox/kit'
import { retireSession, type EndSessionDeps } from './end-session.ts'

export interface StartSessionDeps extends EndSessionDeps {
  sessions: EndSessionDeps['sessions'] & Pick<Sessions, 'findActive' | 'create'>
  /** The model of a session that names none. */
  defaultModelId: string
  reconnectTimeoutMs: number
}

/** Somebody else who opens at the same moment wins at most this often before we give up. */
const MAX_TRIES = 5

/** The user's active session while it is fresh, else a new one in its place. */
export async function resumeOrStartSession(deps: StartSessionDeps, who: User): Promise<Session> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const active = await deps.sessions.findActive(who.id)
    if (active && isFresh(deps, active)) return active
    if (!active || (await hasRetired(deps, active))) {
      return await startSession(deps, who, deps.defaultModelId)
    }
  }
  throw new AppError('CONFLICT', 'This session is being used elsewhere.', { retryable: true })
}

/** Stores a session; of several that start one at the same moment, all get the same. */
export async function startSession(
  deps: StartSessionDeps,
  who: User,
  modelId: string,
): Promise<Session> {
  const { session } = await deps.sessions.create({
    id: toOwnedId(deps.clock.newId(), who.id),
    userId: who.id,
    userName: who.name,
    startedAt: deps.clock.now().toISOString(),
    modelId,
  })
  return session
}

function isFresh(deps: StartSessionDeps, session: Session): boolean {
  const idleMs = deps.clock.now().getTime() - Date.parse(session.lastActivityAt)
  return idleMs <= deps.reconnectTimeoutMs
}

/** False where the session has gone on since it was read: it is fresh again. */
async function hasRetired(deps: StartSessionDeps, session: Session): Promise<boolean> {
  try {
    await retireSession(deps, session, 'idle')
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'CONFLICT') return false
    throw error
  }
}
