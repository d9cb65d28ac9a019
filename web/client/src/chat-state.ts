import type { ErrorInfo, Model, User } from '@chatbox/contract'
import type { ConnectionState } from './connection/connection.ts'
import type { Sessions } from './my-sessions.ts'
import type { UnsentMessage } from './outbox/outbox-storage.ts'
import type { RequestErrorCode } from './connection/request-error.ts'
import type { SessionLog } from './session/session-log.ts'
import type { SessionViewState } from './session/session-view.ts'

export type ShownError = Pick<ErrorInfo, 'message'> & { code: RequestErrorCode }

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
  error: ShownError | null
  /** Of every session of this user. */
  unsent: readonly UnsentMessage[]
  sessions: Sessions
}

/** What a chat holds besides its parts. */
export type OwnState = Pick<
  ChatState,
  'user' | 'formerUsers' | 'models' | 'contentLength' | 'opening' | 'error'
>

export function createOwnState(formerUsers: number): OwnState {
  return {
    user: null,
    formerUsers,
    models: [],
    contentLength: 10_000,
    opening: true,
    error: null,
  }
}

export const NO_VIEW = {
  log: null,
  loadingOlder: false,
  typists: [],
  readUpTo: {},
} satisfies Partial<ChatState>
