import type { Desk, Session } from '@chatbox/contract'

/** A session as operators see it in lists, except what only one of them has read. */
export interface InboxEntry {
  session: Session
  /** Since when the user waits for a word of a person. */
  waitingSince: string | null
  /** The number of the user's messages. */
  userTexts: number
  desk: Desk
  /** When the stored session last changed, by the store's clock. */
  changedAt: string
}

/** The place of a change in their order: by the store's clock, then by session. */
export interface InboxMark {
  changedAt: Date
  sessionId: string
}

export interface InboxList {
  status?: 'active' | 'ended' | undefined
  userId?: string | undefined
  sort: 'lastActivityAt' | 'startedAt'
  order: 'asc' | 'desc'
  /** The bounds of the time that the list is sorted by. `to` is not part of it. */
  from?: string | undefined
  to?: string | undefined
  /** A cursor of an earlier page. */
  after?: string | undefined
  limit: number
}

export interface InboxPage {
  entries: InboxEntry[]
  /** Undefined on the last page. A page may be short because a session cannot be read. */
  next: string | undefined
}

/** What an operator has read of a session. */
export interface ReadMark {
  operatorId: string
  sessionId: string
  /** All entries up to this one. */
  seq: number
  /** The number of the user's messages among them. */
  userTexts: number
}

/**
 * All sessions, for operators. The store's copy of a session may be behind its log for as long as
 * an append takes, and for longer if the process died that appended. All methods reject with
 * `UNAVAILABLE` within 3 s if the store does not answer.
 */
export interface Inbox {
  /** The store's clock. May be answered without asking the store. */
  now(): Promise<Date>
  /**
   * Returns active sessions by id, after `afterId`. With `isChecked` each is compared with its log,
   * and its stored copy is repaired. `lastId` is undefined if no more follow.
   */
  listActive(page: {
    afterId: string
    limit: number
    isChecked: boolean
  }): Promise<{ entries: InboxEntry[]; lastId: string | undefined }>
  /**
   * Returns the last change of each session after `mark`, oldest first. A session may be among them
   * twice. A change may get a place up to `INBOX_SLACK_MS` before one that was read already, so a
   * reader that follows begins that much earlier.
   */
  listChanges(mark: InboxMark, limit: number): Promise<InboxMark[]>
  /** In any order. Omits sessions that do not exist or cannot be read. */
  read(sessionIds: readonly string[]): Promise<InboxEntry[]>
  /** Throws `INVALID_FORMAT` for a cursor that it did not issue. */
  list(list: InboxList): Promise<InboxPage>
  /** The number of ended sessions. Stops counting at `limit`. */
  countEnded(limit: number): Promise<number>
  /**
   * Notes that an operator has read a session up to `seq`, which must not be beyond its end. Never
   * moves back.
   */
  moveReadMark(operatorId: string, sessionId: string, seq: number): Promise<void>
  findReadMark(operatorId: string, sessionId: string): Promise<ReadMark | undefined>
  /** The marks of an operator that moved last. */
  listReadMarks(operatorId: string, limit: number): Promise<ReadMark[]>
  /** The marks of all operators that have moved since, with the slack of `listChanges`. */
  listMovedReadMarks(since: Date, limit: number): Promise<ReadMark[]>
}

/** A write is stamped when the store does it, and all of its readers see it this much later. */
export const INBOX_SLACK_MS = 5000
