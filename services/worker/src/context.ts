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
  Sessions,
} from '@chatbox/core'
import type { Logger, Metrics } from '@chatbox/kit'
import type { RunningReplies } from './answer/running-replies.ts'

/** The parts of a worker. */
export interface Context {
  sessions: Sessions
  messages: MessageLog
  replies: ReplyClaims
  conversationRefs: ConversationRefs
  queue: JobQueue
  bus: EventBus
  models: { find(modelId: string): Model | undefined }
  running: RunningReplies
  clock: Clock
  logger: Logger
  metrics: Metrics
  timing: Timing
}

/** A configured model, behind its provider. */
export interface Model {
  name: string
  llm: Llm
  prompt: PromptSettings
}

export interface Timing {
  /** How long a claim holds without renewal; it is renewed at a third of it. */
  leaseMs: number
  /** For how long a reply is written on while the store does not answer, beyond the lease too. */
  silenceMs: number
  /** All attempts at one reply together. */
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
  reconcileEveryMs: number
  /** A question that is younger is not looked at by the reconciler. */
  staleMs: number
  /** One that the reconciler took up is left alone for so long. */
  takeForMs: number
  enqueueEveryMs: number
  idleEveryMs: number
  watchEveryMs: number
}

/**
 * A dead worker's question goes to another one after at most 7 s: a lease and a sweep, during which the
 * queue gives its job away too. The lease is three renewals long, so one that is late or lost does not
 * cost a reply.
 */
export const TIMING: Omit<Timing, 'replyTimeoutMs'> = {
  leaseMs: 6000,
  // Twice as long as an election of a primary takes.
  silenceMs: 30_000,
  // As long as people take for at once (Nielsen, Usability Engineering, 1993): each frame costs a way
  // through three processes.
  deltaIntervalMs: 100,
  deltaLength: 2048,
  maxTries: 3,
  maxRetryAfterMs: 30_000,
  giveUpAfterMs: 60_000,
  maxAttempts: 20,
  providerBackoff: { baseMs: 500, maxMs: 8000 },
  commitPatienceMs: 30_000,
  storeBackoff: { baseMs: 100, maxMs: 1000 },
  reconcileEveryMs: 1000,
  staleMs: 3000,
  takeForMs: 5000,
  enqueueEveryMs: 2000,
  idleEveryMs: 30_000,
  // Prometheus asks every 15 s or so: what it gets is younger than that.
  watchEveryMs: 5000,
}
