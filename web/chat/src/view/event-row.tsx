import type { Message, Model } from '@chatbox/contract'
import type { JSX } from 'preact'
import { strings } from '../strings.ts'

/** A change of the session that the log remembers, in words; a line for what this page cannot show. */
export function EventRow({ message, models }: EventRowProps): JSX.Element {
  return <p class="event">{toEventText(message, models)}</p>
}

interface EventRowProps {
  message: Message
  models: readonly Model[]
}

/** Also for an entry of a later version, which the page or its server does not know. */
export function toEventText({ event }: Message, models: readonly Model[]): string {
  switch (event?.type) {
    case 'help_requested':
      return strings.helpRequested
    case 'help_resolved':
      return strings.helpResolved
    case 'takeover_started':
      return strings.takeoverStarted(event.by.name)
    case 'takeover_ended':
      return strings.takeoverEnded(event.by.name)
    case 'model_selected':
      return strings.modelSelected(
        models.find(({ id }) => id === event.modelId)?.name ?? event.modelId,
      )
    case 'session_ended':
      return strings.endedBy[event.reason] ?? strings.sessionEnded
    case undefined:
  }
  return strings.unknownEntry
}
