import type {
  Backoff,
  Clock,
  ConversationRefs,
  EventBus,
  HistorySize,
  JobQueue,
  Llm,
  MessageLog,
  Prices,
  PromptSettings,
  ReplyClaims,
  Sessions,
} from '@chatbox/core'
import type { Budgets, Logger, Metrics } from '@chatbox/kit'
import type { DeltaPace } from './answer/deltas/delta-pace.ts'
import type { RunningReplies } from './answer/running-replies.ts'
import type { Remembered } from './models/remembered.ts'

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
  budgets: Budgets
  pace: DeltaPace
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
  /** For sessions whose prompt was refused as too long, by id: the most of their history to send. */
  lengths: Remembered<string, HistorySize>
  /** Undefined for a model that costs nothing. */
  prices: Prices | undefined
}

export interface Timing {
  /** How long a claim is valid without renewal. It is renewed after a third of this time. */
  leaseMs: number
  /** How long a reply goes on while the store does not answer, even beyond the lease. */
  silenceMs: number
  /** The time limit for all attempts at one reply together. */
  replyTimeoutMs: number
  /** How far apart deltas are sent while the process is busy. An idle one sends them sooner... */
  deltaIntervalMs: number
  /** ...and so does any once this much text (UTF-16 units) has gathered. */
  deltaLength: number
  /** The maximum number of requests to the provider per claim. */
  maxTries: number
  /** The longest pause requested by a provider that is waited for. */
  maxRetryAfterMs: number
  /**
   * A question older than this fails when a claim exceeds `maxAttempts`, so that a question that
   * crashes every worker ends visibly. The number of attempts alone cannot decide, because it keeps
   * counting when a user retries the question.
   */
  giveUpAfterMs: number
  maxAttempts: number
  providerBackoff: Backoff
  /** How long a commit is retried while the store is down, even beyond the lease. */
  commitPatienceMs: number
  storeBackoff: Backoff
  reconcileEveryMs: number
  /** The age from which the reconciler handles a question. */
  staleMs: number
  /** How long a question is left alone after the reconciler has handled it. */
  takeForMs: number
  enqueueEveryMs: number
  idleEveryMs: number
  watchEveryMs: number
}

/**
 * The question of a dead worker goes to another one after at most 7 s: a lease and a sweep. The
 * queue gives the job away within that time too. The lease is three renewals long, so a late or
 * lost renewal does not cost a reply.
 */
export const TIMING: Omit<Timing, 'replyTimeoutMs'> = {
  leaseMs: 6000,
  // Twice the time of a primary election.
  silenceMs: 30_000,
  // People perceive up to 100 ms as instant (Nielsen, Usability Engineering, 1993), and each frame
  // passes through three processes.
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
  // Prometheus scrapes about every 15 s, so its values are fresh.
  watchEveryMs: 5000,
}
