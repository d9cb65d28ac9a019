import {
  operatorRoom,
  deskRoom,
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

interface Delivery extends Pick<Context, 'hideOperators'> {
  io: Pick<ChatServer, 'to'>
}

/** Sends a new entry and the updated session to the viewers on every gateway. */
export function announceEntry(delivery: Delivery, message: Message, session: Session): void {
  sendMessage(delivery, message)
  sendSession(delivery, session)
}

/** Its user sees no operator's id in it. */
function sendMessage({ io, hideOperators }: Delivery, message: Message): void {
  const [users, operators] = toRooms(message.sessionId)
  const shown = hideOperators.message(message)
  if (shown === message) {
    io.to([users, operators]).emit('message:new', { message })
    return
  }
  io.to(users).emit('message:new', { message: shown })
  io.to(operators).emit('message:new', { message })
}

/** The user's other connections may show only the list of sessions. */
function sendSession({ io, hideOperators }: Delivery, session: Session): void {
  const [users, operators] = toRooms(session.id)
  const all = [users, userRoom(session.userId)]
  const shown = hideOperators.session(session)
  if (shown === session) {
    io.to([...all, operators]).emit('session:updated', { session })
    return
  }
  io.to(all).emit('session:updated', { session: shown })
  io.to(operators).emit('session:updated', { session })
}

function toRooms(sessionId: string): [users: string, operators: string] {
  return [sessionRoom(sessionId), operatorRoom(sessionId)]
}

/** Sends a new entry of an operators' log to those who follow it, on every gateway. */
export function announceDesk(io: ChatServer, news: ServerPayload<'desk:new'>): void {
  io.to(deskRoom(news.entry.sessionId)).emit('desk:new', news)
}

/**
 * Passes a worker's event to the viewers on this gateway. Other gateways with viewers have their
 * own subscriptions.
 */
export function deliverEvent(
  { io, metrics, hideOperators }: { io: ChatServer } & Pick<Context, 'metrics' | 'hideOperators'>,
  room: SessionRoom,
  event: BusEvent,
): void {
  const local = { io: io.local, hideOperators }
  const viewers = io.local.to(toRooms(room.sessionId))
  switch (event.event) {
    case 'reply:start':
      viewers.emit('reply:start', event.payload)
      break
    case 'reply:delta':
      viewers.except(findCongested(room, metrics)).emit('reply:delta', event.payload)
      break
    case 'message:new':
      sendMessage(local, event.payload.message)
      break
    case 'session:updated':
      sendSession(local, event.payload.session)
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
