/** What somebody did or read who is not the owner. Only ids and names of this product, no words. */
export interface AuditEvent {
  at: Date
  /** The user's id, or `system`. */
  actor: string
  /** The event or the route (see `audit` in the contract), or `audit:trim`. */
  action: string
  sessionId?: string | undefined
  /** What else it was about: ids. */
  target?: string | undefined
}

/** An event in its place of the chain. */
export interface AuditEntry extends AuditEvent {
  /** Dense: 1, 2, 3. */
  seq: number
  /** Over the hash of the entry before and everything above. */
  hash: string
  /** The hash of the entry before; empty for the first. */
  previous: string
  /**
   * `changed` if the entry is not what was sealed; `unknown_key` if the key that sealed it is not in
   * the ring any more, so that nobody can tell.
   */
  state: 'intact' | 'changed' | 'unknown_key'
}

/** Both fields must be equal; `after` continues after an entry of the page before. */
export interface AuditFilter {
  actor?: string | undefined
  action?: string | undefined
  /** Only entries before this one. */
  after?: number | undefined
  limit: number
}

/**
 * The audit log: one chain of all entries. All methods reject with `UNAVAILABLE` within 3 s if the
 * store does not answer. When an append resolves, the entry is durable.
 */
export interface AuditLog {
  /**
   * Puts an event at the end of the chain, by compare-and-set on its head. The hash is sealed with the
   * first encryption key, so nobody makes the chain anew who can only write to the store.
   */
  append(event: AuditEvent): Promise<AuditEntry>
  /** The latest entries first. */
  list(filter: AuditFilter): Promise<AuditEntry[]>
  /** The entries after `seq`, oldest first. */
  read(seq: number, limit: number): Promise<AuditEntry[]>
  /** Forgets the entries up to this one. Only `trimAudit` may, which leaves an entry about it. */
  remove(upToSeq: number): Promise<void>
}
