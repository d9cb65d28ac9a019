export {
  checkAccess,
  checkAdmitted,
  isAdmin,
  isOperator,
  mayAccess,
  toPartyType,
  type SessionAction,
  isVisitorId,
  OPERATOR_PREFIX,
  VISITOR_PREFIX,
} from './access.ts'
export {
  BUDGET_SCOPES,
  budgetExceeded,
  isLimited,
  toAccounts,
  toBudgetDay,
  toShare,
  toSpending,
  type Account,
  type BudgetLimits,
  type BudgetScope,
  type Payer,
  type Prices,
  type Spending,
} from './budgets.ts'
export {
  ALERT_REASONS,
  ALERT_RULES,
  decideAlert,
  findAlertRule,
  toEntryAlertId,
  toReadyAt,
  type AlertDecision,
  type AlertReason,
  type AlertRule,
  type AlertRuleName,
  type AlertSituation,
  type AlertTiming,
} from './alerts/alert-rules.ts'
export {
  AUDIT_TRIM,
  MAX_FAULTS,
  trimAudit,
  verifyAudit,
  type AuditFault,
  type AuditFaultKind,
  type AuditHead,
  type AuditReport,
} from './operators/audit-chain.ts'
export {
  isSnoozed,
  isTag,
  placeDeskEntry,
  toDesk,
  type DeskHead,
  type DeskSession,
  type DeskState,
  type NewDeskEntry,
  type PlacedDeskEntry,
} from './desk/place-desk-entry.ts'
export { AppError, notFound, toAppError, toErrorInfo, UnusableStoreError } from './errors.ts'
export { FairLine, MAX_LANES, type Place } from './fair-line.ts'
export type { AdapterHooks, SchemaHooks } from './ports/adapter-hooks.ts'
export {
  CHANNEL_KINDS,
  type AlertChannel,
  type ChannelKind,
  type Delivery,
  type DeliveryFault,
  type Notice,
  type Route,
} from './ports/alerts/alert-channel.ts'
export {
  ALERT_STATES,
  type Alert,
  type AlertChange,
  type AlertClaim,
  type AlertDelivery,
  type AlertQuery,
  type Alerts,
  type AlertState,
  type GroupQuery,
  type Grouping,
  type KnownChannel,
  type NewAlert,
} from './ports/alerts/alerts.ts'
export {
  DRAFT_LIMITS,
  type Draft,
  type DraftPlace,
  type EventBus,
  type Unsubscribe,
} from './ports/event-bus.ts'
export type { DeskAppended, DeskLog, DraftKey, OpenedDesk } from './ports/operators/desk-log.ts'
export {
  INBOX_SLACK_MS,
  type Inbox,
  type InboxEntry,
  type InboxList,
  type InboxMark,
  type InboxPage,
  type ReadMark,
} from './ports/operators/inbox.ts'
export {
  isConcerned,
  ORDER_KEY,
  toHolders,
  toOrderKey,
  toViews,
  type SharedView,
} from './inbox/inbox-views.ts'
export { toListCursor, toListPlace } from './inbox/list-cursor.ts'
export type { JobCounts, JobHandler, JobHandlers, JobQueue } from './ports/job-queue.ts'
export { CHARGE_KNOWN_MS, type Charge, type Ledger } from './ports/ledger.ts'
export {
  LlmError,
  type Llm,
  type LlmChunk,
  type LlmRequest,
  type LlmWork,
  type PromptMessage,
} from './ports/llm.ts'
export type { Appended, LogPage, LogRange, MessageLog, OpenedLog } from './ports/message-log.ts'
export {
  CLASSES_OF,
  LOOKED_AT,
  RETRIED_A_CALL,
  type JobFilter,
  type JobState,
  type QueueFigures,
  type QueueInspector,
  type RetryFilter,
  type SeenJob,
} from './ports/operators/queue-inspector.ts'
export type { AuditEntry, AuditEvent, AuditFilter, AuditLog } from './ports/operators/audit-log.ts'
export { PRESENCE_TTL_MS, type Presence } from './ports/presence.ts'
export type { RateDecision, RateLimiter, RateRule } from './ports/rate-limiter.ts'
export type {
  CancelledReply,
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
export {
  CHANGE_KNOWN_MS,
  MARK_SLACK_MS,
  type Revocation,
  type RevocationChange,
  type RevocationMark,
  type Revocations,
} from './ports/revocations.ts'
export type { ConversationRefs, NewSession, SessionPage, Sessions } from './ports/sessions.ts'
export type { SignInLinks } from './ports/sign-in-links.ts'
export {
  TICKET_KNOWN_MS,
  type SignInTicket,
  type SignInTickets,
  type TicketUse,
} from './ports/sign-in-tickets.ts'
export {
  buildPrompt,
  estimateTokens,
  findAsked,
  halfOf,
  type HistorySize,
  type Prompt,
  type PromptSettings,
  weighTokens,
} from './prompt.ts'
export { toReplyEntry } from './reply-entry.ts'
export {
  addUsage,
  checkActive,
  initialState,
  placeEntry,
  toSession,
  type LaterTexts,
  type LogHead,
  type NewEntry,
  type PlacedEntry,
  type SessionOrigin,
  type SessionState,
} from './session.ts'
export { backoffMs, settlesWithin, within, type Backoff, type Clock } from './time.ts'
