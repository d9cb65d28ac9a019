import type { ErrorInfo, Message, ReplyUsage } from '@chatbox/contract'
import type { Payer } from '../budgets.ts'

/**
 * The state of the work that an entry asks for. A worker claims a pending task; the task then runs
 * under a lease. A committed task has a fixed result that has not taken effect yet. `unknown` is a
 * state of a later version, and only that version knows how to continue: nobody here claims the
 * task, but it keeps its place.
 */
export type TaskState = 'pending' | 'running' | 'committed' | 'done' | 'cancelled' | 'unknown'

export interface ReplyKey {
  sessionId: string
  /** The question. */
  messageId: string
}

/**
 * The task of a question: to write its reply. It is open until the reply is in the log or the task
 * is cancelled.
 */
export interface ReplyTask extends ReplyKey {
  questionSeq: number
  replyId: string
  modelId: string
  state: TaskState
  /**
   * The number of the current attempt, 0 before the first. It is the fencing token of every write.
   */
  epoch: number
  /** The number of claims and raised epochs since the question was asked, or asked again. */
  attempts: number
  stopRequested: boolean
  /** Missing if no budget was set when it was asked, or an older version wrote the question. */
  payer?: Payer | undefined
  /** The time at which the question was asked, or asked again, in ISO 8601. */
  askedAt: string
  /** The lane of its jobs; undefined for a question of an older version. */
  lane?: string | undefined
}

/** A reply that is not wanted any more. Its attempt, and earlier ones, must write nothing more. */
export type CancelledReply = Pick<ReplyTask, 'replyId' | 'epoch'>

/** The right to answer a question until the lease expires or the epoch is raised. */
export type Claim = Pick<ReplyTask, 'sessionId' | 'messageId' | 'replyId' | 'epoch'>

/** A finished reply as it enters the log. */
export interface ReplyOutcome {
  status: Message['status']
  content: string
  modelId: string
  finishedAt: string
  error?: ErrorInfo
  usage?: ReplyUsage
}

export interface CommittedReply {
  reply: ReplyTask
  outcome: ReplyOutcome
}

/**
 * How a sweep takes up questions. Each goes to one caller only; those that are due longest come
 * first.
 */
export interface Taking {
  /** How long nobody else can take up the same question. */
  forMs: number
  limit: number
}

export interface RetryRequest {
  sessionId: string
  /** The `failed`, `incomplete` or `stopped` reply. */
  messageId: string
  replyId: string
  modelId: string
  askedAt: string
  payer?: Payer | undefined
  /** The lane of the question's jobs from now on. */
  lane?: string | undefined
}

/** `lost`: another attempt owns the question. */
export type CommitResult = 'committed' | 'stop-requested' | 'lost'

export type ClaimState = 'held' | 'stop-requested' | 'lost'

/**
 * Decides which worker answers which question. Leases use the store's own clock. All methods reject
 * with `UNAVAILABLE` within 3 s if the store does not answer. When a write resolves, it is durable.
 * Outcomes are encrypted at rest.
 */
export interface ReplyClaims {
  /**
   * Returns the only question of the session that may be answered now: the one whose reply has
   * begun, or else the oldest that waits. If an older question is asked again, it does not
   * interrupt the reply to a newer one.
   */
  findOpen(sessionId: string): Promise<ReplyTask | undefined>
  /**
   * Claims a question that is pending, or whose lease has expired, and raises its epoch. Returns
   * undefined if another worker has the question or it is settled.
   */
  claim(question: ReplyKey, leaseMs: number): Promise<ReplyTask | undefined>
  /** Extends the lease to `leaseMs` from now. */
  renew(claim: Claim, leaseMs: number): Promise<ClaimState>
  /** Begins another attempt under the same claim. Returns undefined if the claim is lost. */
  raiseEpoch(claim: Claim, leaseMs: number): Promise<Claim | undefined>
  /** Releases a claim. The question is pending again, at the same epoch. */
  release(claim: Claim): Promise<void>
  /**
   * Commits the reply to a question. Returns `stop-requested` for a `complete` outcome if a stop
   * was requested first. Returns `lost` if another attempt owns the question; this text is then
   * dropped.
   */
  commit(claim: Claim, outcome: ReplyOutcome): Promise<CommitResult>
  /**
   * Fixes the outcome of a reply that another process is writing, and raises the epoch, so nothing
   * more of that process is accepted. Returns the committed reply, or undefined if this claim holds
   * no longer.
   */
  interrupt(writing: Claim, outcome: ReplyOutcome): Promise<CommittedReply | undefined>
  /** Returns the reply of a committed question, for the log. */
  findCommitted(question: ReplyKey): Promise<CommittedReply | undefined>
  /** Ends a committed question whose reply is in the log or can no longer enter it. */
  settle(question: ReplyKey, epoch: number, state: 'done' | 'cancelled'): Promise<void>
  /**
   * Ends every open question of a session without a reply, or those up to an entry of its log: what
   * was asked after that entry may be wanted. Returns their replies, with the attempt that ended.
   */
  cancel(sessionId: string, upTo: number | 'all'): Promise<CancelledReply[]>
  /** Requests the stop of an unfinished reply. Returns false if this reply is not in progress. */
  requestStop(sessionId: string, replyId: string): Promise<boolean>
  /**
   * Asks a settled question again, with a new reply id and the given model. `messageId` is the
   * reply to replace. If it was replaced before, returns the task with the reply id of that time.
   * Returns undefined if the message is not the latest reply to a question.
   */
  retry(retry: RetryRequest): Promise<ReplyTask | undefined>
  /**
   * Takes up questions that were begun and not finished: committed for a second, or running under
   * an expired lease. Does not change the lease, so that its owner may still renew it.
   */
  takeUnfinished(taking: Taking): Promise<ReplyTask[]>
  /** Takes up questions that have been pending for `staleMs`. */
  takeWaiting(staleMs: number, taking: Taking): Promise<ReplyTask[]>
}
