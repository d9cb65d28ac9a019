import type { BusEvent, Message, ServerEvent, ServerPayload, Session } from '@chatbox/contract'
import type { Context } from '../../context.ts'
import { sessionRoom, userRoom, type ChatServer } from '../chat-socket.ts'
import type { SessionRoom } from './session-rooms.ts'

/** Tells the viewers of a session on every gateway. */
export function announceEntry(io: ChatServer, message: Message, session: Session): void {
  const room = sessionRoom(session.id)
  io.to(room).emit('message:new', { message })
  // Also to connections of the user that show no more than the list of sessions.
  io.to([room, userRoom(session.userId)]).emit('session:updated', { session })
}

/**
 * Hands a worker's event to the viewers on this gateway; every other gateway with viewers has a
 * subscription of its own.
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

/** Those who get no delta now. Every socket is alone in the room that bears its own id. */
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
 * The session in which a viewer is told of a sign of life, whoever tells it: this gateway, another
 * one or a worker. Undefined for what is about no session, and for a head, which is none.
 */
export function toActiveSessionId([event, payload]: OutgoingEvent): string | undefined {
  if (event === 'session:head') return undefined
  if (event === 'message:new') return payload.message.sessionId
  if (event === 'session:updated') return payload.session.id
  return 'sessionId' in payload ? payload.sessionId : undefined
}
