import type { RequestErrorCode } from './request-error.ts'

/**
 * `draining`: connected, and about to move to another server. `refused`: the server does not want
 * this user, and trying again is useless until something changed.
 */
export type ConnectionStatus =
  'connecting' | 'online' | 'draining' | 'offline' | 'refused' | 'closed'

export interface ConnectionState {
  status: ConnectionStatus
  /** Why the last try failed. */
  code?: RequestErrorCode
  /** Milliseconds until the next try, as it was planned when this state began. */
  retryInMs?: number
}
