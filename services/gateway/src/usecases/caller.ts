import type { ServerPayload, Session, User } from '@chatbox/contract'
import type { Payer } from '@chatbox/core'

/** The user of a token, and the token's times. */
export interface Identity {
  user: User
  /** Undefined if the token does not say. */
  issuedAtMs: number | undefined
  expiresAt: Date
}

/** The connection that an event came through. */
export interface Caller {
  /** The user of the current token. */
  readonly user: User
  /** Whose budgets the answers use; undefined if nobody's is limited. */
  readonly payer: Payer | undefined
  readonly viewer: Viewer
  /** Whose turn this user's questions take (see `toLane`). */
  readonly lane: string
  /** Neither announcement throws or is awaited. Both reach the other viewers of the session. */
  announceTyping(typing: ServerPayload<'typing'>): void
  announceReceipt(receipt: ServerPayload<'message:receipt'>): void
  /** Tells this connection of each change in the inbox. See `InboxHub.follow`. */
  followInbox(): Promise<void>
  /** Tells this connection of each entry of the session's operators' log, while it has the role. */
  followDesk(sessionId: string): void
  /** Takes the identity of a newer token. Throws `UNAUTHORIZED` if it is another user's. */
  renew(identity: Identity): void
}

/** A connection as a viewer of sessions. After a join it gets every event of the session. */
export interface Viewer {
  /** Resolves when no event can be missed, so a read of the log that follows is complete. */
  join(sessionId: string): Promise<void>
  /** Undoes `join`. */
  leave(sessionId: string): void
  /** Remembers the data of a joined session that signals are checked against. */
  note(session: SeenSession & Pick<Session, 'lastActivityAt'>): void
  /** Returns the remembered data of a joined session; its `lastSeq` may be out of date. */
  seen(sessionId: string): SeenSession | undefined
  /**
   * Returns true if an activity at `atMs` has to be noted in the store: once in `everyMs` for a
   * joined session, however many viewers cause it.
   */
  wakes(sessionId: string, atMs: number, everyMs: number): boolean
}

/** The owner of a session, which never changes, and a lower bound of its length. */
export type SeenSession = Pick<Session, 'id' | 'userId' | 'lastSeq'>
