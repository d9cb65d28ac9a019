import type { Session } from '@chatbox/contract'
import type { SessionOrigin } from '../session.ts'

export interface NewSession extends SessionOrigin {
  modelId: string
}

export interface SessionPage {
  sessions: Session[]
  nextCursor: string | null
}

/**
 * All sessions, each as it is after the newest entry of its log. All methods reject with
 * `UNAVAILABLE` within 3 s if the store does not answer. When a write resolves, it is durable.
 * Names are encrypted at rest; a name that cannot be decrypted is empty.
 */
export interface Sessions {
  /** Stores a session. If its user already has an active one, returns that one instead. */
  create(session: NewSession): Promise<{ session: Session; created: boolean }>
  find(sessionId: string): Promise<Session | undefined>
  /**
   * Returns the seq of the newest entry, or undefined if the session does not exist. `knownSeq` is
   * a seq that the log has reached before, or 0. If no entry has followed it, this takes one small
   * read.
   */
  findHead(sessionId: string, knownSeq: number): Promise<number | undefined>
  findActive(userId: string): Promise<Session | undefined>
  /**
   * Returns the latest activity first. Throws `INVALID_FORMAT` for a cursor that it did not issue.
   */
  list(userId: string, page: { limit: number; cursor?: string }): Promise<SessionPage>
  /**
   * Notes an activity that adds no entry, for example typing. `listIdle` and `findActive` count it.
   * One small write, which never moves the last activity back. Ignores a session that has ended or
   * does not exist.
   */
  noteActivity(sessionId: string, at: Date): Promise<void>
  /** Returns active sessions without activity since `before`, the longest idle first. */
  listIdle(before: Date, limit: number): Promise<Session[]>
}

/**
 * The references of sessions at providers that keep the history themselves. All methods reject with
 * `UNAVAILABLE` within 3 s if the store does not answer. References are encrypted at rest.
 */
export interface ConversationRefs {
  /** Returns undefined if none was saved or it cannot be decrypted. */
  read(sessionId: string, modelId: string): Promise<string | undefined>
  save(sessionId: string, modelId: string, ref: string): Promise<void>
}
