/**
 * Which connections a user has, over all gateways. A set of connection ids, never a flag: the end of
 * an old connection may be noticed after the start of a new one. Entries expire on their own
 * (`PRESENCE_TTL_MS`) when their gateway dies, so holders call `refresh` at a third of that.
 * While the back end is away, `join` answers with the connections of this process.
 */
export interface Presence {
  /**
   * Adds a connection; answers how many the user has now, this one included. Rejects with
   * `CONNECTION_LIMIT` where this process has no room for another one.
   */
  join(userId: string, connectionId: string): Promise<number>
  /** Never throws: what cannot be removed expires. */
  leave(userId: string, connectionId: string): Promise<void>
  /** Renews every connection that this process has joined. Never throws. */
  refresh(): Promise<void>
  count(userId: string): Promise<number>
}

export const PRESENCE_TTL_MS = 45_000
