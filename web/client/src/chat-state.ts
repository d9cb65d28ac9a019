import type { Model, User } from '@chatbox/contract'
import type { ConnectionState } from './connection/connection.ts'
import type { RequestErrorCode } from './connection/request.ts'
import { NO_SESSIONS, type Sessions } from './my-sessions.ts'
import type { SessionLog } from './session/session-log.ts'
import type { SessionViewState } from './session/session-view.ts'

/** Everything that one user's chat shows: the session in view, and what is around it. */
export interface ChatState extends Omit<SessionViewState, 'log'> {
  connection: ConnectionState
  user: User | null
  /**
   * How many users this page has had before this one. Where it changes, a page forgets what it holds
   * itself, such as a text that was not sent yet.
   */
  formerUsers: number
  models: readonly Model[]
  /** Code points of one message. */
  contentLength: number
  /** The session that is shown; null until the first one is open. */
  log: SessionLog | null
  /** A session is being opened or created. */
  opening: boolean
  /** What the user asked for last and did not get; null again once it was read or something worked. */
  error: { code: RequestErrorCode; message: string } | null
  sessions: Sessions
}

export const NOTHING_SHOWN: ChatState = {
  connection: { status: 'connecting' },
  user: null,
  formerUsers: 0,
  models: [],
  contentLength: 10_000,
  log: null,
  opening: true,
  loadingOlder: false,
  error: null,
  unsent: [],
  typists: [],
  readUpTo: {},
  sessions: NO_SESSIONS,
}
