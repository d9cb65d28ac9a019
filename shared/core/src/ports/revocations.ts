/** Ends what was issued to one user before a moment. */
export interface Revocation {
  userId: string
  /**
   * `shut_out`: an admin keeps the user out until the revocation ends. `roles_changed`: older tokens
   * hold roles that are no longer the user's, and newer ones are welcome.
   */
  reason: 'shut_out' | 'roles_changed'
  /** Tokens issued at this time or earlier are refused. */
  before: Date
  /** The id of the admin, or of the user whose roles changed. */
  by: string
}

/** A revocation that was stored, replaced or ended. */
export interface RevocationChange {
  userId: string
  /** Undefined if it ended. */
  revocation: Revocation | undefined
}

/** The place of a change in their order: by the store's clock, then by user. */
export interface RevocationMark {
  changedAt: Date
  userId: string
}

/**
 * Who is shut out, at most one revocation a user. All methods reject with `UNAVAILABLE` within 3 s if
 * the store does not answer. When a write resolves, it is durable.
 */
export interface Revocations {
  /**
   * Stores a revocation in place of the user's earlier one. `roles_changed` changes nothing while the
   * user is shut out.
   */
  put(revocation: Revocation): Promise<void>
  /** Lets the user in again. Returns false if no revocation stood. */
  end(userId: string): Promise<boolean>
  find(userId: string): Promise<Revocation | undefined>
  /**
   * Returns the changes after `mark`, or all, oldest first, and the place of the last one. A change
   * may get a place up to `MARK_SLACK_MS` before one that was read already, so a reader that follows
   * begins that much earlier. Ended revocations and changes of roles are forgotten after
   * `CHANGE_KNOWN_MS`.
   */
  listChanges(
    mark: RevocationMark | undefined,
    limit: number,
  ): Promise<{ changes: RevocationChange[]; last: RevocationMark | undefined }>
}

/** A write takes at most 3 s, and a process knows the store's clock to within its round trip. */
export const MARK_SLACK_MS = 10_000
/** Longer than the tokens that a change of roles ends. */
export const CHANGE_KNOWN_MS = 24 * 60 * 60_000
