import { SERVER_EVENTS } from '@chatbox/contract'

/** In place of an event that a later version sends and this one does not know: it is passed over. */
export const LATER_EVENT = 'later'

/** Any other name that is not expected is one of ours in the wrong place. */
export function isLaterEvent(name: unknown): boolean {
  return typeof name === 'string' && !Object.hasOwn(SERVER_EVENTS, name)
}
