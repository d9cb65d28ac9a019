import type { ErrorInfo, Message, ReplyUsage } from '@chatbox/contract'

/**
 * How far the work that an entry asks for has come. A worker claims a pending task, and then it runs
 * under a lease. Committed, its result is fixed but has not taken effect yet. `unknown` is a state of a
 * later version, which alone knows how to go on: nobody claims such a task, and it holds its place.
 */
export type TaskState = 'pending' | 'running' | 'committed' | 'done' | 'cancelled' | 'unknown'

export interface ReplyKey {
  sessionId: string
  /** The question. */
  messageId: string
}

/** The task of a question: its reply. It is open until the reply is in the log, or cancelled. */
export interface ReplyTask extends ReplyKey {
  questionSeq: number
  replyId: string
  modelId: string
  state: TaskState
  /** The number of the current attempt; 0 before the first. The fencing token of every write. */
  epoch: number
  /** Attempts since the question was asked, or asked again: claims and raised epochs. */
  attempts: number
  stopRequested: boolean
  /** When the question was asked, or asked again: ISO 8601. */
  askedAt: string
}

/** The right to answer one question, until the lease runs out or the epoch is raised. */
export type Claim = Pick<ReplyTask, 'sessionId' | 'messageId' | 'replyId' | 'epoch'>

/** A reply as it will stand in the log. */
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

/** A question that is taken up goes to one caller. Longest due first. */
export interface Taking {
  /** Nobody else takes the same question for so long. */
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
}

/** `lost`: another attempt owns the question. */
export type CommitResult = 'committed' | 'stop-requested' | 'lost'

export type ClaimState = 'held' | 'stop-requested' | 'lost'

/**
 * Who answers which question. The store's own clock judges leases. All methods reject with
 * `UNAVAILABLE` within 3 s when the store does not answer; a write that resolved is durable. Outcomes
 * are encrypted at rest.
 */
export interface ReplyClaims {
  /**
   * The one question of the session that may be answered: the one whose reply has been begun, else
   * the oldest that waits. An older question that is asked again does not interrupt a newer one's
   * reply.
   */
  findOpen(sessionId: string): Promise<ReplyTask | undefined>
  /**
   * Takes a question that is pending, or running under a lease that has run out, and raises its epoch.
   * Undefined if it is neither: another worker has it, or it is settled.
   */
  claim(question: ReplyKey, leaseMs: number): Promise<ReplyTask | undefined>
  /** Makes the lease end `leaseMs` from now. */
  renew(claim: Claim, leaseMs: number): Promise<ClaimState>
  /** Begins another attempt under the same claim; undefined if the claim is lost. */
  raiseEpoch(claim: Claim, leaseMs: number): Promise<Claim | undefined>
  /** Gives a claim back: the question is pending again, at the same epoch. */
  release(claim: Claim): Promise<void>
  /**
   * Fixes the one reply to a question. A `complete` outcome is refused with `stop-requested` if a stop
   * came first. `lost` means that another attempt owns the question: this text is dropped.
   */
  commit(claim: Claim, outcome: ReplyOutcome): Promise<CommitResult>
  /** The reply of a committed question, to be put into the log. */
  findCommitted(question: ReplyKey): Promise<CommittedReply | undefined>
  /** Ends a committed question: its reply is in the log, or may not enter it any more. */
  settle(question: ReplyKey, epoch: number, state: 'done' | 'cancelled'): Promise<void>
  /** Ends every open question of a session without a reply; answers the ids that replies had. */
  cancel(sessionId: string): Promise<string[]>
  /** Asks for the end of an unfinished reply; false if no such reply is being made. */
  requestStop(sessionId: string, replyId: string): Promise<boolean>
  /**
   * Asks a settled question again, under a new reply id and with the given model. `messageId` is the
   * reply that is to be replaced. If it has been replaced before, answers the reply id of that time.
   * Undefined if the message is not the latest reply to a question.
   */
  retry(retry: RetryRequest): Promise<ReplyTask | undefined>
  /**
   * Takes up begun questions that nobody finishes: committed for a second, or running under a lease
   * that has run out. Leaves the lease as it is: its owner may still renew it.
   */
  takeUnfinished(taking: Taking): Promise<ReplyTask[]>
  /** Takes up questions that have been pending for `staleMs`. */
  takeWaiting(staleMs: number, taking: Taking): Promise<ReplyTask[]>
}
