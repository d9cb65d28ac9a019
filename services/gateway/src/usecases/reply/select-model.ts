import type { ClientData, ClientPayload, SessionEvent, User } from '@chatbox/contract'
import { AppError, checkAccess, checkActive } from '@chatbox/core'
import type { Context } from '../../context.ts'
import { toEventMessage } from '../message/event-entry.ts'

/** Chooses the model for the questions to come; the one that is chosen already changes nothing. */
export async function selectModel(
  context: Context,
  who: User,
  input: ClientPayload<'model:select'>,
): Promise<ClientData<'model:select'>> {
  const session = checkAccess('write', who, await context.sessions.find(input.sessionId))
  checkModel(context, input.modelId)
  checkActive(session)
  if (session.modelId === input.modelId) return { session }
  const event: SessionEvent = { type: 'model_selected', modelId: input.modelId }
  const sender = { type: 'user' as const, id: who.id, name: who.name }
  const message = toEventMessage(context.clock, { sessionId: session.id, sender, event })
  const appended = await context.messages.append({ message })
  context.announceEntry(appended.message, appended.session)
  return { session: appended.session }
}

/** Throws `INVALID_MODEL` for a model that users cannot choose here. */
export function checkModel({ options }: Context, modelId: string): void {
  if (options.models.some((model) => model.id === modelId)) return
  throw new AppError('INVALID_MODEL', 'There is no such model.')
}
