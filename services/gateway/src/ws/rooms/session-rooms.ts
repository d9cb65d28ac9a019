import type { BusEvent } from '@chatbox/contract'
import { settlesWithin, type EventBus, type Unsubscribe } from '@chatbox/core'
import type { SeenSession, Viewer } from '../../usecases/caller.ts'
import { sessionRoom, type ChatSocket } from '../chat-socket.ts'

/** A socket of this process that has sessions open. */
export interface Member {
  socket: Pick<ChatSocket, 'id' | 'connected' | 'join' | 'leave'>
  /** In the order of joining. */
  sessionIds: Set<string>
  /** Whether it reads more slowly than it is written to. */
  isCongested(): boolean
}

export interface SessionRoom {
  sessionId: string
  members: Set<Member>
  subscription: Promise<Unsubscribe> | undefined
  /** When something last happened in the session, as far as this process knows: ms since the epoch. */
  activeAt: number
}

export interface SessionRoomsDeps {
  bus: Pick<EventBus, 'subscribe'>
  deliver(room: SessionRoom, event: BusEvent): void
  /** The subscription came late: what was published before is to be caught up with. */
  onLate(room: SessionRoom): void
  onError(error: unknown): void
}

/** One who opens more leaves what they opened first; enough for an operator with many tabs. */
const MAX_SESSIONS_PER_SOCKET = 50
/** An open waits no longer than this for the bus: without it catch-up works, only late. */
const SUBSCRIBE_WAIT_MS = 1000

/**
 * Which sessions the sockets of this process have open. Each has one subscription on the bus, from
 * its first member to its last; the map is bounded by the number of sockets.
 */
export class SessionRooms {
  readonly #rooms = new Map<string, SessionRoom>()
  readonly #deps: SessionRoomsDeps

  constructor(deps: SessionRoomsDeps) {
    this.#deps = deps
  }

  values(): Iterable<SessionRoom> {
    return this.#rooms.values()
  }

  get size(): number {
    return this.#rooms.size
  }

  /** Of a session that nobody here has open nothing is kept. */
  noteActivity(sessionId: string, atMs: number): void {
    const room = this.#rooms.get(sessionId)
    if (room && room.activeAt < atMs) room.activeAt = atMs
  }

  /** Resolves once the member gets every event, or the bus has had time enough. Never rejects. */
  async join(member: Member, sessionId: string): Promise<void> {
    // The end of a socket is noticed once: one who joined after it would stay for ever.
    if (!member.socket.connected) return
    const room = this.#findOrAdd(sessionId)
    room.members.add(member)
    member.sessionIds.delete(sessionId)
    member.sessionIds.add(sessionId)
    this.#leaveOldest(member)
    // Both in this turn: a member who leaves in a later one must find the subscription to end.
    await Promise.all([member.socket.join(sessionRoom(sessionId)), this.subscribe(room)])
  }

  /** Takes out a subscription where there is none, and waits for it for a while. */
  async subscribe(room: SessionRoom): Promise<void> {
    if (room.members.size === 0) return
    const subscription = (room.subscription ??= this.#openSubscription(room))
    let isLate = false
    const inForce = subscription.then(
      () => {
        if (isLate && room.members.size > 0) this.#deps.onLate(room)
      },
      () => undefined,
    )
    isLate = !(await settlesWithin(SUBSCRIBE_WAIT_MS, inForce))
  }

  leaveAll(member: Member): void {
    for (const sessionId of [...member.sessionIds]) this.leave(member, sessionId)
  }

  #leaveOldest(member: Member): void {
    const [oldest] = member.sessionIds
    if (oldest !== undefined && member.sessionIds.size > MAX_SESSIONS_PER_SOCKET) {
      this.leave(member, oldest)
    }
  }

  leave(member: Member, sessionId: string): void {
    member.sessionIds.delete(sessionId)
    void member.socket.leave(sessionRoom(sessionId))
    const room = this.#rooms.get(sessionId)
    if (!room?.members.delete(member) || room.members.size > 0) return
    this.#rooms.delete(sessionId)
    // A room that opens again meanwhile has a subscription of its own.
    room.subscription
      ?.then((unsubscribe) => unsubscribe())
      .catch((error: unknown) => this.#deps.onError(error))
  }

  #findOrAdd(sessionId: string): SessionRoom {
    const known = this.#rooms.get(sessionId)
    if (known) return known
    const room: SessionRoom = {
      sessionId,
      members: new Set(),
      subscription: undefined,
      activeAt: 0,
    }
    this.#rooms.set(sessionId, room)
    return room
  }

  #openSubscription(room: SessionRoom): Promise<Unsubscribe> {
    const subscription = this.#deps.bus.subscribe(room.sessionId, (event) =>
      this.#deps.deliver(room, event),
    )
    subscription.catch((error: unknown) => {
      room.subscription = undefined
      this.#deps.onError(error)
    })
    return subscription
  }
}

/** A socket as a viewer of sessions, which knows of each no longer than it has it open. */
export function createViewer(
  rooms: Pick<SessionRooms, 'join' | 'leave' | 'noteActivity'>,
  member: Member,
): Viewer {
  const noted = new Map<string, SeenSession>()
  return {
    join: (sessionId) => rooms.join(member, sessionId),
    leave: (sessionId) => rooms.leave(member, sessionId),
    note({ id, userId, lastSeq, lastActivityAt }) {
      rooms.noteActivity(id, Date.parse(lastActivityAt))
      for (const known of noted.keys()) if (!member.sessionIds.has(known)) noted.delete(known)
      // Of one that was not joined nothing is known to be allowed.
      if (member.sessionIds.has(id)) noted.set(id, { id, userId, lastSeq })
    },
    seen: (sessionId) => (member.sessionIds.has(sessionId) ? noted.get(sessionId) : undefined),
  }
}
