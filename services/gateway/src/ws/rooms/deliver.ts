import type { BusEvent } from '@chatbox/contract'
import type { Metrics } from '@chatbox/kit'
import { sessionRoom, userRoom } from './room-names.ts'
import type { SessionRoom } from './session-rooms.ts'
import type { ChatServer } from '../connection/types.ts'

export interface DeliverDeps {
  io: ChatServer
  metrics: Pick<Metrics, 'deltaDropped'>
}

/**
 * Hands a worker's event to the viewers on this gateway; every other gateway with viewers has a
 * subscription of its own.
 */
export function deliverEvent(deps: DeliverDeps, room: SessionRoom, event: BusEvent): void {
  const viewers = deps.io.local.to(sessionRoom(room.sessionId))
  switch (event.event) {
    case 'reply:start':
      viewers.emit('reply:start', event.payload)
      break
    case 'reply:delta':
      viewers.except(findCongested(deps, room)).emit('reply:delta', event.payload)
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
function findCongested(deps: DeliverDeps, room: SessionRoom): string[] {
  const ids: string[] = []
  for (const member of room.members) {
    if (!member.isCongested()) continue
    deps.metrics.deltaDropped()
    ids.push(member.socket.id)
  }
  return ids
}
