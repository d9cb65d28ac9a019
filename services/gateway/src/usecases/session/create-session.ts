import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import { checkModel, type ModelChoice } from '../reply/check-model.ts'
import type { Viewer } from '../announcer.ts'
import { retireSession } from './end-session.ts'
import { startSession, type StartSessionDeps } from './start-session.ts'

export interface CreateSessionDeps extends StartSessionDeps, ModelChoice {
  viewer: Viewer
}

/** A new session in the place of the user's active one. */
export async function createSession(
  deps: CreateSessionDeps,
  who: User,
  input: ClientPayload<'session:create'>,
): Promise<ClientData<'session:create'>> {
  const modelId = input.modelId ?? deps.defaultModelId
  checkModel(deps, modelId)
  const active = await deps.sessions.findActive(who.id)
  if (active) await retireSession(deps, active, 'replaced')
  const session = await startSession(deps, who, modelId)
  await deps.viewer.join(session.id)
  deps.viewer.note(session)
  return { session }
}
