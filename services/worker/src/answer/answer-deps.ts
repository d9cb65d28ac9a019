import type {
  Backoff,
  Clock,
  ConversationRefs,
  EventBus,
  JobQueue,
  Llm,
  MessageLog,
  PromptSettings,
  ReplyClaims,
} from '@chatbox/core'
import type { Logger, Metrics } from '@chatbox/kit'
import type { RunningReplies } from './running-replies.ts'

/** A configured model, as far as answering needs it. */
export interface AnswerModel {
  name: string
  llm: Llm
  prompt: PromptSettings
}

export interface ReplyTiming {
  /** How long a claim holds without renewal; it is renewed at a third of it. */
  leaseMs: number
  /** For how long a reply is written on while the store does not answer, beyond the lease too. */
  silenceMs: number
  /** All tries at one reply together. */
  replyTimeoutMs: number
  /** After the first delta, no two are sent closer together than this... */
  deltaIntervalMs: number
  /** ...unless this much text (UTF-16 units) has gathered. */
  deltaLength: number
  /** Requests to the provider for one claim. */
  maxTries: number
  /** A provider that asks for a longer pause than this is not waited for. */
  maxRetryAfterMs: number
  /**
   * A question that was asked longer ago than this is failed rather than claimed for an attempt over
   * `maxAttempts`, so that one that no worker survives ends visibly. Attempts alone do not decide:
   * their count goes on when a user asks the question again.
   */
  giveUpAfterMs: number
  maxAttempts: number
  providerBackoff: Backoff
  /** For how long a finished reply is offered to a store that is away, also beyond the lease. */
  commitPatienceMs: number
  storeBackoff: Backoff
}

export interface AnswerDeps {
  messages: Pick<MessageLog, 'append' | 'open' | 'read' | 'find'>
  replies: Omit<ReplyClaims, 'requestStop' | 'retry' | 'takeUnfinished' | 'takeWaiting'>
  conversationRefs: ConversationRefs
  bus: Pick<EventBus, 'publish' | 'publishDelta' | 'readDraft' | 'dropDraft'>
  queue: Pick<JobQueue, 'enqueue'>
  models: { find(modelId: string): AnswerModel | undefined }
  running: RunningReplies
  clock: Clock
  logger: Logger
  metrics: Metrics
  timing: ReplyTiming
}
