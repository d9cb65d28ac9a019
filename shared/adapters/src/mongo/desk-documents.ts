import type { IndexDescription } from 'mongodb'
import type { DeskEntryRecord, DeskRecord } from '../sealed/desk-record.ts'

/** An entry of an operators' log, and the head of the log after it. */
export interface DeskEntryDocument extends Omit<DeskEntryRecord, 'id'> {
  _id: string
  desk: DeskRecord
}

/** What an operator has not sent yet; the `_id` is the session's and the operator's. */
export interface DeskDraftDocument {
  _id: string
  sessionId: string
  sealed: string
}

/** The order and the pages of a log. The writer that inserts the next seq first wins. */
export const DESK_ENTRY_INDEXES: IndexDescription[] = [
  { name: 'desk_log', key: { sessionId: 1, seq: 1 }, unique: true },
]

export const DESK_DRAFT_INDEXES: IndexDescription[] = [
  // What is deleted with the end of a session.
  { name: 'of_session', key: { sessionId: 1 } },
]
