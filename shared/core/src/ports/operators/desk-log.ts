import type { Desk, DeskEntry } from '@chatbox/contract'
import type { NewDeskEntry } from '../../desk/place-desk-entry.ts'
import type { LogRange } from '../message-log.ts'

export interface DeskAppended {
  entry: DeskEntry
  /** The desk after the newest entry. */
  desk: Desk
  /** False if an entry with the same id already existed. */
  appended: boolean
}

/** A desk and a page of its log. The desk may be newer than the page, and never older. */
export interface OpenedDesk {
  desk: Desk
  /** In log order, for either way of reading. */
  entries: DeskEntry[]
  /** True if there are more entries in the direction of reading. */
  hasMore: boolean
}

/** Whose text for which session. */
export interface DraftKey {
  sessionId: string
  operatorId: string
}

/**
 * The operators' log of every session, beside the log that its user sees, and with a dense `seq` of
 * its own. The session keeps the head of it for `Inbox`. All methods reject with `UNAVAILABLE`
 * within 3 s if the store does not answer. When a write resolves, it is durable. Everything but ids
 * and the `seq` is encrypted at rest. An entry that cannot be decrypted is returned with an
 * `unknown` action, so that the rest stays readable.
 */
export interface DeskLog {
  /**
   * Appends an entry if `placeDeskEntry` allows it after the current head, and stamps the session as
   * changed. Idempotent by the entry's id: a repeated call returns the first entry. Throws what
   * `placeDeskEntry` throws, `NOT_FOUND` if the session does not exist, and `CONFLICT` if another
   * session's entry has the id.
   */
  append(entry: NewDeskEntry): Promise<DeskAppended>
  /** Undefined if the session does not exist. `maxLength` counts the texts of notes and summaries. */
  open(sessionId: string, range: Omit<LogRange, 'beforeSeq'>): Promise<OpenedDesk | undefined>
  /**
   * Keeps what an operator has not sent yet, in place of what was kept; an empty text deletes it.
   * The end of the session deletes the texts of all operators. Throws `SESSION_ENDED` for a text
   * after that, and `NOT_FOUND` if the session does not exist.
   */
  saveDraft(key: DraftKey, text: string): Promise<void>
  /** Returns an empty text if there is none, or it cannot be decrypted. */
  findDraft(key: DraftKey): Promise<string>
}
