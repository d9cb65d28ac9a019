import type { ServerEvent, ServerPayload } from '@chatbox/contract'
import type { Clock } from '@chatbox/core'
import type { SessionRooms } from '../rooms/session-rooms.ts'

type OutgoingEvent = {
  [E in ServerEvent]: [event: E, payload: ServerPayload<E>]
}[ServerEvent]

/**
 * Notes that something happens in a session, by what its viewers are sent: it sees what this gateway,
 * another one and a worker tell them alike.
 */
export function createActivityListener(
  rooms: Pick<SessionRooms, 'noteActivity'>,
  clock: Pick<Clock, 'now'>,
): (...event: OutgoingEvent) => void {
  return (...event) => {
    const sessionId = toSessionId(event)
    if (sessionId !== undefined) rooms.noteActivity(sessionId, clock.now().getTime())
  }
}

/** Undefined for what is about no session, and for a head, which is no sign of life. */
function toSessionId([event, payload]: OutgoingEvent): string | undefined {
  if (event === 'session:head') return undefined
  if (event === 'message:new') return payload.message.sessionId
  if (event === 'session:updated') return payload.session.id
  return 'sessionId' in payload ? payload.sessionId : undefined
}
