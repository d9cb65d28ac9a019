import type { Model, User } from '@chatbox/contract'
import type { ConnectionState } from './connection/connection.ts'
import type { Failure } from './connection/request.ts'
import { NO_SESSIONS, type Sessions } from './my-sessions.ts'
import type { SessionLog } from './session/session-log.ts'
import type { SessionViewState } from './session/session-view.ts'

/** The state of one user's chat: the shown session and everything around it. */
export interface ChatState extends Omit<SessionViewState, 'log'> {
  connection: ConnectionState
  user: User | null
  /**
   * The number of users before this one. When it changes, a page must discard its own data, for
   * example what is open or selected.
   */
  formerUsers: number
  /** Changes when `ChatClient.typedText` has changed otherwise than by typing. */
  typedRevision: number
  models: readonly Model[]
  /** The maximum length of a message, in code points. */
  contentLength: number
  /** The shown session; null until the first one is open. */
  log: SessionLog | null
  /** A session is being opened or created. */
  opening: boolean
  /** The error of the user's last action; null after it was read or an action has succeeded. */
  error: Failure | null
  sessions: Sessions
}

/** Returns whether the server has made this user for this browser (docs/protocol.md, section 2). */
export function isVisitor({ id }: Pick<User, 'id'>): boolean {
  return id.startsWith('visitor:')
}

export const NOTHING_SHOWN: ChatState = {
  connection: { status: 'connecting' },
  user: null,
  formerUsers: 0,
  typedRevision: 0,
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
