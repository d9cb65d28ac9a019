import { deskRoom } from '@chatbox/contract'
import type { ChatSocket } from '../chat-socket.ts'

/** A socket that follows more leaves the oldest one. */
export const MAX_DESKS_PER_SOCKET = 50

/** The desks that a socket follows. Socket.IO itself forgets the rooms of a closed socket. */
export class DeskRooms {
  readonly #socket: Pick<ChatSocket, 'join' | 'leave'>
  /** In the order of joining. */
  readonly #sessionIds = new Set<string>()

  constructor(socket: Pick<ChatSocket, 'join' | 'leave'>) {
    this.#socket = socket
  }

  join(sessionId: string): void {
    this.#sessionIds.delete(sessionId)
    this.#sessionIds.add(sessionId)
    void this.#socket.join(deskRoom(sessionId))
    const [oldest] = this.#sessionIds
    if (oldest !== undefined && this.#sessionIds.size > MAX_DESKS_PER_SOCKET) this.#leave(oldest)
  }

  leaveAll(): void {
    for (const sessionId of [...this.#sessionIds]) this.#leave(sessionId)
  }

  #leave(sessionId: string): void {
    this.#sessionIds.delete(sessionId)
    void this.#socket.leave(deskRoom(sessionId))
  }
}
