import type { ServerPayload, Session, User } from '@chatbox/contract'

/** Who a token says that its bearer is, and until when. */
export interface Identity {
  user: User
  expiresAt: Date
}

/** The connection that an event came through. */
export interface Caller {
  /** Who its token of this moment names. */
  readonly user: User
  readonly viewer: Viewer
  /** Both tell the other viewers of the session. Neither throws, and nobody waits for them. */
  announceTyping(typing: ServerPayload<'typing'>): void
  announceReceipt(receipt: ServerPayload<'message:receipt'>): void
  /** Takes the identity of a newer token. Throws `UNAUTHORIZED` for that of another user. */
  renew(identity: Identity): void
}

/** A connection as a viewer of sessions: from a join on it gets every event of the session. */
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
