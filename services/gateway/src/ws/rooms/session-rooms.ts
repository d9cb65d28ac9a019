import { operatorRoom, sessionRoom, type BusEvent } from '@chatbox/contract'
import { settlesWithin, type EventBus, type Unsubscribe } from '@chatbox/core'
import type { SeenSession, Viewer } from '../../usecases/caller.ts'
import type { ChatSocket } from '../chat-socket.ts'

/** A socket of this process that has sessions open. */
export interface Member {
  socket: Pick<ChatSocket, 'id' | 'connected' | 'join' | 'leave'>
  /** In the order of joining. */
  sessionIds: Set<string>
  /** Returns true if the client reads more slowly than data is written to it. */
  isCongested(): boolean
  /** Returns true for an operator in the session of another. */
  isFromOutside(sessionId: string): boolean
}

export interface SessionRoom {
  sessionId: string
  members: Set<Member>
  subscription: Promise<Unsubscribe> | undefined
  /** The last activity in the session that this process knows of, in ms since the epoch. */
  activeAt: number
  /** When this process noted an activity without an entry in the store, in ms since the epoch. */
  notedAt: number
}

export interface SessionRoomsDeps {
  bus: Pick<EventBus, 'subscribe'>
  deliver(room: SessionRoom, event: BusEvent): void
  /** Called when a subscription was late: earlier events must be caught up with. */
  onLate(room: SessionRoom): void
  onError(error: unknown): void
}

/** A socket that opens more leaves its oldest session. Operators have many tabs. */
export const MAX_SESSIONS_PER_SOCKET = 50
/** The wait for the bus when a session opens. Without the bus, catch-up is only late. */
const SUBSCRIBE_WAIT_MS = 1000

/**
 * Tracks which sessions the sockets of this process have open. Each session has one subscription on
 * the bus, from its first member to its last. The number of sockets bounds the map.
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

  /** Ignores sessions that no socket here has open. */
  noteActivity(sessionId: string, atMs: number): void {
    const room = this.#rooms.get(sessionId)
    if (room && room.activeAt < atMs) room.activeAt = atMs
  }

  /** See `Viewer.wakes`. False for sessions that no socket here has open. */
  wakes(sessionId: string, atMs: number, everyMs: number): boolean {
    const room = this.#rooms.get(sessionId)
    if (!room || atMs - room.notedAt < everyMs) return false
    room.notedAt = atMs
    return true
  }

  /** Resolves when the member gets every event, or after the wait for the bus. Never rejects. */
  async join(member: Member, sessionId: string): Promise<void> {
    // A disconnect is handled only once: a member that joined after it would never be removed.
    if (!member.socket.connected) return
    const room = this.#findOrAdd(sessionId)
    room.members.add(member)
    member.sessionIds.delete(sessionId)
    member.sessionIds.add(sessionId)
    this.#leaveOldest(member)
    // Both start in this turn, so that a member that leaves finds the subscription to end.
    const name = member.isFromOutside(sessionId) ? operatorRoom(sessionId) : sessionRoom(sessionId)
    await Promise.all([member.socket.join(name), this.subscribe(room)])
  }

  /** Subscribes if there is no subscription yet, and waits for it for a limited time. */
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
    this.leaveThose(member, () => true)
  }

  /** Leaves the sessions for which `isLeft` holds. */
  leaveThose(member: Member, isLeft: (sessionId: string) => boolean): void {
    for (const sessionId of [...member.sessionIds]) {
      if (isLeft(sessionId)) this.leave(member, sessionId)
    }
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
    void member.socket.leave(operatorRoom(sessionId))
    const room = this.#rooms.get(sessionId)
    if (!room?.members.delete(member) || room.members.size > 0) return
    this.#rooms.delete(sessionId)
    // A room that was reopened in the meantime has its own subscription.
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
      notedAt: 0,
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

/** Creates the viewer of a socket. It remembers a session only while the session is open. */
export function createViewer(
  rooms: Pick<SessionRooms, 'join' | 'leave' | 'noteActivity' | 'wakes'>,
  member: Member,
): Viewer {
  const noted = new Map<string, SeenSession>()
  return {
    join: (sessionId) => rooms.join(member, sessionId),
    leave: (sessionId) => rooms.leave(member, sessionId),
    note({ id, userId, lastSeq, lastActivityAt }) {
      rooms.noteActivity(id, Date.parse(lastActivityAt))
      for (const known of noted.keys()) if (!member.sessionIds.has(known)) noted.delete(known)
      // Access to a session that was not joined has not been checked.
      if (member.sessionIds.has(id)) noted.set(id, { id, userId, lastSeq })
    },
    seen: (sessionId) => (member.sessionIds.has(sessionId) ? noted.get(sessionId) : undefined),
    wakes: (sessionId, atMs, everyMs) => rooms.wakes(sessionId, atMs, everyMs),
  }
}
