import type { Message, Session } from '@chatbox/contract'
import type { NewEntry } from '../session.ts'

export interface Appended {
  message: Message
  /** The session after the newest entry. */
  session: Session
  /** False if an entry with the same id already existed. */
  appended: boolean
}

/** The part of a log to read. Set at most one bound; without one it is the latest page. */
export interface LogRange {
  afterSeq?: number
  beforeSeq?: number
  limit: number
  /**
   * The length of all texts together, in UTF-16 units, at which the page ends early. What does not
   * fit is not decrypted. A page has at least one entry, which may be longer.
   */
  maxLength?: number
}

export interface LogPage {
  /** In log order, for either bound. */
  messages: Message[]
  /** True if there are more entries in the direction of reading. */
  hasMore: boolean
}

/** A session and a page of its log, read at the same moment. */
export interface OpenedLog {
  session: Session
  page: LogPage
  /** False only if no question is open, so that `ReplyClaims.findOpen` would find nothing. */
  mayHaveOpenTask: boolean
}

/**
 * The log of every session. All methods reject with `UNAVAILABLE` within 3 s if the store does not
 * answer. When a write resolves, it is durable. Texts are encrypted at rest. An entry that cannot
 * be decrypted is returned as `failed` with `INTERNAL`, so that the rest of its log stays readable.
 */
export interface MessageLog {
  /**
   * Appends an entry if `placeEntry` allows it after the current head. If the entry asks a
   * question, its reply becomes a task for `ReplyClaims`. Idempotent by message id: a repeated call
   * returns the first entry, even if the session has ended since. Throws what `placeEntry` throws,
   * and `NOT_FOUND` if the session does not exist.
   */
  append(entry: NewEntry): Promise<Appended>
  /**
   * Reports that another process has appended an entry. If this process has appended to the log
   * before, reads ahead what its next append needs. This only saves time: the caller may ignore a
   * failure.
   */
  prepareAppend(sessionId: string): Promise<void>
  read(sessionId: string, range: LogRange): Promise<LogPage>
  /** Returns a page and the session after its newest entry, in one read if possible. */
  open(sessionId: string, range: Omit<LogRange, 'beforeSeq'>): Promise<OpenedLog | undefined>
  find(sessionId: string, messageId: string): Promise<Message | undefined>
}
