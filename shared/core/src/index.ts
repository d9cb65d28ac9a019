export {
  checkAccess,
  checkAdmitted,
  isOperator,
  mayAccess,
  toPartyType,
  type SessionAction,
} from './access.ts'
export { AppError, notFound, toAppError, toErrorInfo, UnusableStoreError } from './errors.ts'
export type { AdapterHooks, SchemaHooks } from './ports/adapter-hooks.ts'
export type { Clock } from './ports/clock.ts'
export type { ConversationRefs } from './ports/conversation-refs.ts'
export { DRAFT_LIMITS, type Draft, type EventBus, type Unsubscribe } from './ports/event-bus.ts'
export type { JobCounts, JobHandlers, JobQueue } from './ports/job-queue.ts'
export {
  LlmError,
  type Llm,
  type LlmChunk,
  type LlmRequest,
  type PromptMessage,
} from './ports/llm.ts'
export type { Appended, LogPage, LogRange, MessageLog, OpenedLog } from './ports/message-log.ts'
export { PRESENCE_TTL_MS, type Presence } from './ports/presence.ts'
export type { RateDecision, RateLimiter, RateRule } from './ports/rate-limiter.ts'
export type {
  Claim,
  ClaimState,
  CommitResult,
  CommittedReply,
  ReplyClaims,
  ReplyKey,
  ReplyOutcome,
  ReplyTask,
  RetryRequest,
  Taking,
  TaskState,
} from './ports/reply-claims.ts'
export type { NewSession, SessionPage, Sessions } from './ports/sessions.ts'
export { buildPrompt, type Prompt, type PromptSettings } from './reply/prompt.ts'
export { checkActive, toSession, type SessionOrigin } from './session/session.ts'
export {
  addUsage,
  initialState,
  placeEntry,
  type LaterTexts,
  type LogHead,
  type NewEntry,
  type PlacedEntry,
  type SessionState,
} from './session/session-state.ts'
export { estimateTokens } from './reply/tokens.ts'
export { backoffMs, settlesWithin, within, type Backoff } from './time.ts'
