import type { ActiveReply, BusEvent, ReplyDelta } from '@chatbox/contract'

/** Stops a subscription. Idempotent. */
export type Unsubscribe = () => Promise<void>

/**
 * The doorbell between workers and gateways, and the drafts of replies that are being written.
 * Everything on it may vanish: what must last is in the store, and viewers catch up from there.
 */
export interface EventBus {
  /**
   * Tells every subscriber of the session. Never throws: a loss is counted, not raised. What is about
   * a log entry (`message:new`, `session:updated`) is published again for up to 30 s until it went
   * out, also after this has resolved; subscribers may thus get it twice, and late.
   */
  publish(sessionId: string, event: BusEvent): Promise<void>
  /**
   * Adds a delta to the draft and tells the subscribers, in one step and fenced by attempt: `fenced`
   * means that a later attempt has begun, or that this one's draft was dropped, and nothing was done.
   * Where earlier deltas of the draft were lost, `textSoFar` takes their place, so that a viewer who
   * joins later still gets the whole; it has to answer the text up to and including this delta, also
   * when it is called later. Never throws: a failure is counted and answered as `published`.
   * `DRAFT_LIMITS` says how large a draft may be and how long it is kept.
   */
  publishDelta(delta: ReplyDelta, textSoFar: () => string): Promise<'published' | 'fenced'>
  /**
   * The draft of a reply as far as it is known. Resolves with undefined on any failure, and for a
   * draft that has outgrown its limits: there is only the finished message to wait for.
   */
  readDraft(sessionId: string, replyId: string): Promise<Draft | undefined>
  /** Ends a draft: its attempt, and any before it, can write no more. Never throws. */
  dropDraft(sessionId: string, replyId: string): Promise<void>
  /**
   * Resolves once the subscription is in force; several listeners of one session share it. While the
   * back end is away it resolves after 1 s, comes into force with the connection, and `onGap` tells.
   * Rejects with `UNAVAILABLE` where this process has no room for another listener.
   */
  subscribe(sessionId: string, listener: (event: BusEvent) => void): Promise<Unsubscribe>
  /** Asks whichever worker is writing the reply to stop. The store holds the wish; this is speed. */
  publishStop(replyId: string): Promise<void>
  onStop(listener: (replyId: string) => void): Promise<Unsubscribe>
  /** Called after the subscriptions came back from a gap, in which events may have been lost. */
  onGap(listener: () => void): void
  /** Idempotent. */
  close(): Promise<void>
}

/** A reply that is being written, as far as it has come. */
export type Draft = Pick<ActiveReply, 'attempt' | 'index' | 'text'>

/** Of one draft, from its last delta on; the same in memory and in Redis. */
export const DRAFT_LIMITS = { ttlMs: 600_000, chunks: 2000, bytes: 262_144 } as const
