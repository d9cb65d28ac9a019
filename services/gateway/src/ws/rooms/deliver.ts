import {
  sessionRoom,
  userRoom,
  type BusEvent,
  type Message,
  type ServerEvent,
  type ServerPayload,
  type Session,
} from '@chatbox/contract'
import type { Context } from '../../context.ts'
import type { ChatServer } from '../chat-socket.ts'
import type { SessionRoom } from './session-rooms.ts'

/** Sends a new entry and the updated session to the viewers on every gateway. */
export function announceEntry(io: ChatServer, message: Message, session: Session): void {
  const room = sessionRoom(session.id)
  io.to(room).emit('message:new', { message })
  // The user's other connections may show only the list of sessions.
  io.to([room, userRoom(session.userId)]).emit('session:updated', { session })
}

/**
 * Passes a worker's event to the viewers on this gateway. Other gateways with viewers have their
 * own subscriptions.
 */
export function deliverEvent(
  { io, metrics }: { io: ChatServer; metrics: Context['metrics'] },
  room: SessionRoom,
  event: BusEvent,
): void {
  const viewers = io.local.to(sessionRoom(room.sessionId))
  switch (event.event) {
    case 'reply:start':
      viewers.emit('reply:start', event.payload)
      break
    case 'reply:delta':
      viewers.except(findCongested(room, metrics)).emit('reply:delta', event.payload)
      break
    case 'message:new':
      viewers.emit('message:new', event.payload)
      break
    case 'session:updated':
      viewers.to(userRoom(event.payload.session.userId)).emit('session:updated', event.payload)
      break
  }
}

/** Returns the sockets that get no delta now. A socket's id also names its own room. */
function findCongested(room: SessionRoom, metrics: Context['metrics']): string[] {
  const ids: string[] = []
  for (const member of room.members) {
    if (!member.isCongested()) continue
    metrics.deltaDropped()
    ids.push(member.socket.id)
  }
  return ids
}

export type OutgoingEvent = {
  [E in ServerEvent]: [event: E, payload: ServerPayload<E>]
}[ServerEvent]

/**
 * Returns the session of an event that shows activity, whether from this gateway, another one or a
 * worker. Undefined for an event without a session, and for a head, which is no activity.
 */
export function toActiveSessionId([event, payload]: OutgoingEvent): string | undefined {
  if (event === 'session:head') return undefined
  if (event === 'message:new') return payload.message.sessionId
  if (event === 'session:updated') return payload.session.id
  return 'sessionId' in payload ? payload.sessionId : undefined
}
