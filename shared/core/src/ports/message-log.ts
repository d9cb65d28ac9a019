import type { Message, Session } from '@chatbox/contract'
import type { NewEntry } from '../session.ts'

export interface Appended {
  message: Message
  /** The session as it is after the newest entry. */
  session: Session
  /** False if an entry with the same id was there already. */
  appended: boolean
}

/** Which part of a log to read: its latest page if neither bound is set. At most one is. */
export interface LogRange {
  afterSeq?: number
  beforeSeq?: number
  limit: number
}

export interface LogPage {
  /** In log order, whichever end the page was taken from. */
  messages: Message[]
  /** More entries lie beyond the page, in the direction of reading. */
  hasMore: boolean
}

/** A session, and a page of its log that was read at the same moment. */
export interface OpenedLog {
  session: Session
  page: LogPage
  /** False only if no question is open: `ReplyClaims.findOpen` would find nothing. */
  mayHaveOpenTask: boolean
}

/**
 * The log of every session. All methods reject with `UNAVAILABLE` within 3 s when the store does not
 * answer; a write that resolved is durable. Texts are encrypted at rest. An entry that cannot be
 * decrypted is served as `failed` with `INTERNAL`, so that the rest of its log stays readable.
 */
export interface MessageLog {
  /**
   * Adds one entry at the end of a log, if `placeEntry` allows it in the state that it follows. If the
   * entry asks a question, its reply is a task for `ReplyClaims` from then on. Idempotent by message
   * id: a repetition answers the first entry, even if the session has ended since. Throws what
   * `placeEntry` throws, and `NOT_FOUND` if there is no such session.
   */
  append(entry: NewEntry): Promise<Appended>
  /**
   * Tells that another process has added an entry. If this process has appended to the log before,
   * what its next append needs is read ahead. Only saves time: a failure can be ignored.
   */
  prepareAppend(sessionId: string): Promise<void>
  read(sessionId: string, range: LogRange): Promise<LogPage>
  /** The page, and the session as it is after the log's newest entry; in one read if possible. */
  open(sessionId: string, range: Omit<LogRange, 'beforeSeq'>): Promise<OpenedLog | undefined>
  find(sessionId: string, messageId: string): Promise<Message | undefined>
}
