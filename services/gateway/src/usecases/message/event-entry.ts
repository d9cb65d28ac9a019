import type { Message, Sender, SessionEvent } from '@chatbox/contract'
import type { Clock } from '@chatbox/core'

export const SYSTEM_SENDER: Sender = { type: 'system', id: 'system', name: '' }

interface EventEntry {
  sessionId: string
  sender: Sender
  event: SessionEvent
}

/** A state change as an entry for the log. */
export function toEventMessage(clock: Clock, entry: EventEntry): Omit<Message, 'seq'> {
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
