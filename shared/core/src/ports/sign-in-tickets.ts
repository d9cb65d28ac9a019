/** What the holder of a secret may do once. */
export interface SignInTicket {
  /** A digest of the secret. The secret itself is nowhere at rest. */
  digest: string
  /** A digest of what only the asking browser has; undefined if any browser may use it. */
  browser?: string
  /** Encrypted at rest. */
  content: string
}

/** `late`: its time was over. `other-browser`: it is still unused. */
export type TicketUse =
  | { outcome: 'used-now'; content: string }
  | { outcome: 'used-before'; agoMs: number }
  | { outcome: 'late' | 'other-browser' | 'unknown' }

/**
 * Secrets that work once and not for long. All methods reject with `UNAVAILABLE` within 3 s if the
 * store does not answer. Times are the store's.
 */
export interface SignInTickets {
  /** Throws `CONFLICT` for a digest that exists. */
  create(ticket: SignInTicket, ttlMs: number): Promise<void>
  /**
   * Uses the ticket up, in one step: of all callers exactly one gets `used-now`. A ticket whose
   * content does not decrypt is `unknown`. What happened to a ticket is known for
   * `TICKET_KNOWN_MS` after its end.
   */
  use(digest: string, browser?: string): Promise<TicketUse>
}

export const TICKET_KNOWN_MS = 60 * 60_000
