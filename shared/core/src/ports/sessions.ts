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
 * Every session, as it is after the newest entry of its log. All methods reject with `UNAVAILABLE`
 * within 3 s when the store does not answer; a write that resolved is durable. Names are encrypted at
 * rest, and empty where they cannot be decrypted.
 */
export interface Sessions {
  /** Stores a session. If its user has an active one already, answers that one instead. */
  create(session: NewSession): Promise<{ session: Session; created: boolean }>
  find(sessionId: string): Promise<Session | undefined>
  /**
   * The seq of a log's newest entry; undefined if there is no such session. `knownSeq` is a seq that
   * the log has reached before, or 0: if nothing has come after it, the answer takes one small read.
   */
  findHead(sessionId: string, knownSeq: number): Promise<number | undefined>
  findActive(userId: string): Promise<Session | undefined>
  /** Latest activity first. Throws `INVALID_FORMAT` for a cursor that it did not issue. */
  list(userId: string, page: { limit: number; cursor?: string }): Promise<SessionPage>
  /** Active sessions without activity since `before`, the longest idle first. */
  listIdle(before: Date, limit: number): Promise<Session[]>
}

/**
 * What a provider that keeps history itself calls a session. All methods reject with `UNAVAILABLE`
 * within 3 s when the store does not answer. References are encrypted at rest.
 */
export interface ConversationRefs {
  /** Undefined if none was saved, or if it cannot be decrypted. */
  read(sessionId: string, modelId: string): Promise<string | undefined>
  save(sessionId: string, modelId: string, ref: string): Promise<void>
}
