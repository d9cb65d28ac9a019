import type { Message, ServerPayload, Session } from '@chatbox/contract'

/**
 * Tells the viewers of a session, on every gateway, what has happened. Never throws and is never
 * waited for: one who misses it catches up from the log.
 */
export interface Announcer {
  /** A new log entry and the session as it is after it. */
  announceEntry(message: Message, session: Session): void
}

/** The same for what only the other viewers are to see. */
export interface PeerAnnouncer {
  announceTyping(typing: ServerPayload<'typing'>): void
  announceReceipt(receipt: ServerPayload<'message:receipt'>): void
}

/** The viewers of this process: who joins one gets every event of the session from then on. */
export interface Viewer {
  /** Resolves once nothing more can be missed, so a read of the log that follows is complete. */
  join(sessionId: string): Promise<void>
  /** Undoes `join`. */
  leave(sessionId: string): void
  /** Keeps of a session that has been joined what signals about it are judged by. */
  note(session: SeenSession & Pick<Session, 'lastActivityAt'>): void
  /** What was noted of a session that this one still has joined; its `lastSeq` may be old. */
  seen(sessionId: string): SeenSession | undefined
}

/** Whose a session is, which never changes, and how long it was at least. */
export type SeenSession = Pick<Session, 'id' | 'userId' | 'lastSeq'>
