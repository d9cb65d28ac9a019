import type { Message, Session } from '@chatbox/contract'
import type { ErrorInfo, Usage } from '@chatbox/contract'
import type { SessionOrigin } from '../session.ts'
import type { NewEntry } from '../session-state.ts'

export interface NewSession extends SessionOrigin {
  modelId: string
}

export interface Appended {
  message: Message
  /** The session as it is after the newest entry. */
  session: Session
  /** False where an entry of the same id was there already. */
  appended: boolean
}

/** Which part of a log: without bounds its latest page. At most one bound is set. */
export interface LogRange {
  afterSeq?: number
  beforeSeq?: number
  limit: number
}

export interface LogPage {
  /** In log order, whichever end the page was taken from. */
  messages: Message[]
  /** More entries lie beyond the page, in the direction of reading. */
  hasMore: boolean
}

/** A session, and a page of its log that was read at the same moment. */
export interface OpenedLog {
  session: Session
  page: LogPage
  /** False where no question is open for sure: then `findOpenReply` need not be asked. */
  mayHaveOpenReply: boolean
}

export interface SessionPage {
  sessions: Session[]
  nextCursor: string | null
}

/** How far the answer to a question has come. */
export type ReplyState = 'pending' | 'running' | 'committed' | 'done' | 'cancelled'

/** A question whose answer is not in the log yet. */
export interface OpenReply {
  sessionId: string
  /** The question. */
  messageId: string
  questionSeq: number
  replyId: string
  modelId: string
  state: 'pending' | 'running' | 'committed'
  /** The number of the current attempt; 0 before the first. The fencing token of every write. */
  epoch: number
  stopRequested: boolean
  /** When the question was asked, or asked again: ISO 8601. */
  askedAt: string
}

/** The right to answer one question, until the lease runs out or a higher epoch is given. */
export type Claim = Pick<OpenReply, 'sessionId' | 'messageId' | 'replyId' | 'epoch'>

/** A reply as it will stand in the log. */
export interface ReplyOutcome {
  status: Message['status']
  content: string
  modelId: string
  finishedAt: string
  error?: ErrorInfo
  usage?: Usage
}

export type ClaimState = 'held' | 'stop-requested' | 'lost'

/**
 * The log of every session, and the outbox of its questions. All methods reject with `UNAVAILABLE`
 * within 3 s when the back end is away, and a write that was acknowledged is durable.
 * Texts are encrypted at rest; a text that cannot be decrypted is served as a `failed` entry with
 * `INTERNAL`, so that the rest of its log stays readable.
 */
export interface ChatStore {
  /** Stores a session; where the user has an active one already, answers that one instead. */
  createSession(session: NewSession): Promise<{ session: Session; created: boolean }>
  findSession(sessionId: string): Promise<Session | undefined>
  /**
   * The seq of a log's newest entry; undefined for no session. `knownSeq` is one that the log had
   * before, or 0: where nothing came after it the answer takes one small read.
   */
  findHead(sessionId: string, knownSeq: number): Promise<number | undefined>
  findActiveSession(userId: string): Promise<Session | undefined>
  /** Latest activity first. Throws `INVALID_FORMAT` for a cursor that it did not issue. */
  listSessions(userId: string, page: { limit: number; cursor?: string }): Promise<SessionPage>
  /** Active sessions without activity since `before`, the longest idle first. */
  listIdleSessions(before: Date, limit: number): Promise<Session[]>

  /**
   * Adds one entry at the end of a log, under `placeEntry`'s rules for the state that it follows.
   * Idempotent by message id: a repetition answers the first entry, also when the session has ended
   * since. Throws what `placeEntry` throws, `NOT_FOUND` for no session.
   */
  append(entry: NewEntry): Promise<Appended>
  /**
   * A hint that somebody else has added an entry: where this process appended to the log before, what
   * its next append needs is read ahead. Never rejects.
   */
  prepareAppend(sessionId: string): Promise<void>
  readMessages(sessionId: string, range: LogRange): Promise<LogPage>
  /** The page and the session as it is after the log's newest entry, in one read where that can be. */
  openLog(sessionId: string, range: Omit<LogRange, 'beforeSeq'>): Promise<OpenedLog | undefined>
  findMessage(sessionId: string, messageId: string): Promise<Message | undefined>

  /**
   * The one question of the session that may be answered: the one whose answer is begun, else the
   * oldest that waits. An older question that is asked again does not interrupt a newer one's reply.
   */
  findOpenReply(sessionId: string): Promise<OpenReply | undefined>
  /**
   * Takes a question that is pending, or running under a lease that has run out by the store's own
   * clock, and raises its epoch. Undefined when it is neither: somebody else has it or it is over.
   */
  claimReply(question: ReplyKey, leaseMs: number): Promise<OpenReply | undefined>
  /** Lengthens the lease. */
  renewReply(claim: Claim, leaseMs: number): Promise<ClaimState>
  /** Begins another attempt under the same lease; undefined when the claim is lost. */
  raiseEpoch(claim: Claim, leaseMs: number): Promise<Claim | undefined>
  /** Gives a claim back: the question is pending again, at the same epoch. */
  releaseReply(claim: Claim): Promise<void>
  /**
   * Fixes the one answer of a question. A `complete` outcome is refused with `stop-requested` when
   * a stop came first; `lost` means that another attempt owns the question: the text is dropped.
   */
  commitReply(claim: Claim, outcome: ReplyOutcome): Promise<'committed' | 'stop-requested' | 'lost'>
  /** The answer of a committed question, for whoever puts it into the log. */
  findCommittedReply(question: ReplyKey): Promise<CommittedReply | undefined>
  /** Ends a committed question: its answer is in the log, or may not enter it any more. */
  settleReply(question: ReplyKey, epoch: number, state: 'done' | 'cancelled'): Promise<void>
  /** Ends every open question of a session without an answer; answers their reply ids. */
  cancelReplies(sessionId: string): Promise<string[]>
  /** Marks an unfinished reply as to be stopped; false when no such reply is being made. */
  requestStop(sessionId: string, replyId: string): Promise<boolean>
  /**
   * Asks a settled question again under a new reply id and the given model. `messageId` is the reply
   * that is to be replaced; where that was done before, answers the reply id of then. Undefined when
   * the message is not the latest reply of a question.
   */
  retryReply(retry: RetryRequest): Promise<OpenReply | undefined>
  /** Questions left behind: pending or committed for `staleMs`, or running under an ended lease. */
  listStrandedReplies(staleMs: number, limit: number): Promise<OpenReply[]>

  /** The name that a provider gave to a session, where the provider keeps history itself. */
  readConversationRef(sessionId: string, modelId: string): Promise<string | undefined>
  saveConversationRef(sessionId: string, modelId: string, ref: string): Promise<void>

  ping(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

export interface ReplyKey {
  sessionId: string
  messageId: string
}

export interface RetryRequest {
  sessionId: string
  /** The `failed`, `incomplete` or `stopped` reply. */
  messageId: string
  replyId: string
  modelId: string
  askedAt: string
}

export interface CommittedReply {
  reply: OpenReply
  outcome: ReplyOutcome
}
