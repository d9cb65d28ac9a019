import type { Message, Sender, SessionEvent } from '@chatbox/contract'
import type { Appended, NewEntry } from '@chatbox/core'
import type { Context } from '../context.ts'

interface EventEntry {
  sessionId: string
  sender: Sender
  event: SessionEvent
}

/** What a state change asks the model, if it does. */
type Asking = Pick<NewEntry, 'replyId' | 'payer' | 'lane'>

/** Appends a state change to a session's log and tells its viewers. Throws like `placeEntry`. */
export async function appendEvent(
  context: Context,
  entry: EventEntry,
  asking: Asking = {},
): Promise<Appended> {
  const message = toEventMessage(context, entry)
  const appended = await context.messages.append({ message, ...asking })
  context.announceEntry(appended.message, appended.session)
  return appended
}

/** Turns a state change into a log entry. */
export function toEventMessage({ clock }: Context, entry: EventEntry): Omit<Message, 'seq'> {
  return {
    id: clock.newId(),
    kind: 'event',
    content: '',
    attachments: [],
    status: 'complete',
    createdAt: clock.now().toISOString(),
    ...entry,
  }
}
