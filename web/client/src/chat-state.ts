import type { ErrorInfo, Model, User } from '@chatbox/contract'
import type { ConnectionState } from './connection-state.ts'
import { NO_SESSIONS, type Sessions } from './my-sessions.ts'
import type { UnsentMessage } from './outbox-storage.ts'
import type { RequestErrorCode } from './request-error.ts'
import type { SessionLog } from './session-log.ts'
import type { Typist } from './typing-others.ts'

export type ShownError = Pick<ErrorInfo, 'message'> & { code: RequestErrorCode }

/** Everything that a view of one user's chat shows. */
export interface ChatState {
  connection: ConnectionState
  user: User | null
  models: readonly Model[]
  /** Code points of one message. */
  contentLength: number
  /** The session that is shown; null until the first one is open. */
  log: SessionLog | null
  /** A session is being opened or created. */
  opening: boolean
  loadingOlder: boolean
  /** What the user asked for last and did not get; null again once it was read or something worked. */
  error: ShownError | null
  unsent: readonly UnsentMessage[]
  typists: readonly Typist[]
  /** How far each other reader has come, by reader. */
  readUpTo: Readonly<Record<string, number>>
  sessions: Sessions
}

export function createChatState(): ChatState {
  return {
    connection: { status: 'connecting' },
    user: null,
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
}
