import type { Announcer, PeerAnnouncer } from '../../usecases/announcer.ts'
import { sessionRoom, userRoom } from './room-names.ts'
import type { ChatServer, ChatSocket } from '../connection/types.ts'

export function createAnnouncer(io: ChatServer): Announcer {
  return {
    announceEntry(message, session) {
      const room = sessionRoom(session.id)
      io.to(room).emit('message:new', { message })
      // Also to connections of the user that show no more than the list of sessions.
      io.to([room, userRoom(session.userId)]).emit('session:updated', { session })
    },
  }
}

/** What the viewers besides `socket` are told. Typing is worth nothing late: it is never buffered. */
export function createPeerAnnouncer(socket: ChatSocket): PeerAnnouncer {
  return {
    announceTyping: (typing) =>
      void socket.volatile.to(sessionRoom(typing.sessionId)).emit('typing', typing),
    announceReceipt: (receipt) =>
      void socket.to(sessionRoom(receipt.sessionId)).emit('message:receipt', receipt),
  }
}
