import type { SeenSession, Viewer } from '../../usecases/announcer.ts'
import type { Member, SessionRooms } from '../rooms/session-rooms.ts'

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
