/**
 * The connections of each user on all gateways. This is a set of connection ids and not a flag,
 * because a gateway may notice the end of an old connection after the start of a new one. If a
 * gateway dies, its entries expire after `PRESENCE_TTL_MS`. Holders therefore call `refresh` every
 * third of that time. If the back end is down, `join` returns the number of connections to this
 * process.
 */
export interface Presence {
  /**
   * Adds a connection and returns how many the user now has, including this one. Rejects with
   * `CONNECTION_LIMIT` if this process has no room for it.
   */
  join(userId: string, connectionId: string): Promise<number>
  /** Never throws: an entry that cannot be removed expires. */
  leave(userId: string, connectionId: string): Promise<void>
  /** Renews every connection that this process has joined. Never throws. */
  refresh(): Promise<void>
  count(userId: string): Promise<number>
}

export const PRESENCE_TTL_MS = 45_000
