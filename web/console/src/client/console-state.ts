import type { ConnectionState, Failure, SessionLog, SessionViewState } from '@chatbox/client'
import type {
  Desk,
  DeskEntry,
  InboxCounts,
  InboxRow,
  InboxView,
  Model,
  User,
} from '@chatbox/contract'

/** What the address says: which sessions are listed, and which one is open. */
export interface Place {
  view: InboxView
  /** A part of a name or an id; empty for all. */
  text: string
  sessionId: string | null
}

/** The list of one view. */
export interface InboxState {
  view: InboxView
  text: string
  /** In the order of the view. */
  rows: readonly InboxRow[]
  /** Where the list goes on; null at its end. */
  next: string | null
  isReading: boolean
  /** Null until the first answer. */
  counts: InboxCounts | null
  /** When this page began to follow, by the server's clock. */
  began: string | null
}

/** The open chat, with the operators' log beside it. */
export interface OpenChat extends Omit<SessionViewState, 'log'> {
  log: SessionLog
  desk: Desk | null
  notes: readonly DeskEntry[]
  /** The tags that the site has set. */
  knownTags: readonly string[]
}

export interface ConsoleState {
  connection: ConnectionState
  user: User | null
  models: readonly Model[]
  /** The maximum length of a message, in code points. */
  contentLength: number
  inbox: InboxState
  chat: OpenChat | null
  /** The id of a chat that is being opened. */
  opening: string | null
  /** The error of the operator's last action. */
  error: Failure | null
}

export const VIEWS: readonly InboxView[] = [
  'help',
  'mine',
  'unassigned',
  'assistant',
  'snoozed',
  'ended',
]

export const NOTHING_SHOWN: ConsoleState = {
  connection: { status: 'connecting' },
  user: null,
  models: [],
  contentLength: 10_000,
  inbox: {
    view: 'help',
    text: '',
    rows: [],
    next: null,
    isReading: true,
    counts: null,
    began: null,
  },
  chat: null,
  opening: null,
  error: null,
}
