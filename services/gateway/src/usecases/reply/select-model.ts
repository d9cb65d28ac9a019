import type { ClientData, ClientPayload, SessionEvent, User } from '@chatbox/contract'
import { checkAccess, checkActive, type Clock, type MessageLog, type Sessions } from '@chatbox/core'
import type { Announcer } from '../announcer.ts'
import { checkModel, type ModelChoice } from './check-model.ts'
import { toEventMessage } from '../message/event-entry.ts'

export interface SelectModelDeps extends ModelChoice {
  sessions: Pick<Sessions, 'find'>
  messages: Pick<MessageLog, 'append'>
  announcer: Announcer
  clock: Pick<Clock, 'now' | 'newId'>
}

/** Chooses the model for the questions to come; the one that is chosen already changes nothing. */
export async function selectModel(
  deps: SelectModelDeps,
  who: User,
  input: ClientPayload<'model:select'>,
): Promise<ClientData<'model:select'>> {
  const session = checkAccess('write', who, await deps.sessions.find(input.sessionId))
  checkModel(deps, input.modelId)
  checkActive(session)
  if (session.modelId === input.modelId) return { session }
  const event: SessionEvent = { type: 'model_selected', modelId: input.modelId }
  const sender = { type: 'user' as const, id: who.id, name: who.name }
  const message = toEventMessage(deps.clock, { sessionId: session.id, sender, event })
  const appended = await deps.messages.append({ message })
  deps.announcer.announceEntry(appended.message, appended.session)
  return { session: appended.session }
}
