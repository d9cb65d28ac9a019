import type { ActiveReply, BusEvent, ReplyDelta } from '@chatbox/contract'

/** Stops a subscription. Idempotent. */
export type Unsubscribe = () => Promise<void>

/**
 * Carries events from workers to gateways, and the drafts of replies in progress. Anything on it
 * may be lost: the store holds what must last, and viewers catch up from there.
 */
export interface EventBus {
  /**
   * Sends an event to every subscriber of the session. Never throws: a loss is counted instead. A
   * failed event about a log entry (`message:new`, `session:updated`) is retried for up to 30 s,
   * even after this call has resolved. Subscribers may therefore get it late or twice.
   */
  publish(sessionId: string, event: BusEvent): Promise<void>
  /**
   * Appends a delta to the draft and sends it to the subscribers, in one step. Returns `fenced` and
   * does nothing if a later attempt has begun or this attempt's draft was dropped. If earlier
   * deltas of the draft were lost, `textSoFar()` replaces them, so that a viewer who joins later
   * gets the whole text. It must return the text up to and including this delta, even if it is
   * called later. Never throws: a failure is counted and returns `published`. `DRAFT_LIMITS` limits
   * the size and age of a draft.
   */
  publishDelta(delta: ReplyDelta, textSoFar: () => string): Promise<'published' | 'fenced'>
  /**
   * Returns the draft of a reply as far as it is known. Returns undefined on any failure and for a
   * draft over its limits. The caller then waits for the finished message.
   */
  readDraft(sessionId: string, replyId: string): Promise<Draft | undefined>
  /**
   * Ends a draft, also one that has not begun: this attempt and earlier ones can no longer write to
   * it. Never throws.
   */
  dropDraft(place: DraftPlace): Promise<void>
  /**
   * Ends a draft like `dropDraft` and returns it as `readDraft` does, in one step: nobody is shown
   * more of this attempt than is returned.
   */
  takeDraft(place: DraftPlace): Promise<Draft | undefined>
  /**
   * Resolves when the subscription is active. Several listeners can share one session. If the back
   * end is down, resolves after 1 s; the subscription becomes active on reconnection, and `onGap`
   * is called. Rejects with `UNAVAILABLE` if this process has no room for another listener.
   */
  subscribe(sessionId: string, listener: (event: BusEvent) => void): Promise<Unsubscribe>
  /**
   * Asks the worker that writes the reply to stop. The request is also in the store; this is only
   * faster.
   */
  publishStop(replyId: string): Promise<void>
  onStop(listener: (replyId: string) => void): Promise<Unsubscribe>
  /**
   * Calls `listener` when the subscriptions are back. Events may have been lost in the meantime.
   */
  onGap(listener: () => void): void
  /** Idempotent. */
  close(): Promise<void>
}

/** The draft of one attempt. */
export type DraftPlace = Pick<ReplyDelta, 'sessionId' | 'replyId' | 'attempt'>

/** A reply in progress. */
export type Draft = Pick<ActiveReply, 'attempt' | 'index' | 'text'>

/** Limits of one draft, in memory and in Redis. The time counts from its last delta. */
export const DRAFT_LIMITS = { ttlMs: 600_000, chunks: 2000, bytes: 262_144 } as const
