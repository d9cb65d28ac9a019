import type { KeyObject } from 'node:crypto'
import type { Message, Model, ServerPayload, Session } from '@chatbox/contract'
import type {
  AuditLog,
  Clock,
  DeskLog,
  EventBus,
  Inbox,
  JobQueue,
  Ledger,
  MessageLog,
  Presence,
  QueueInspector,
  RateLimiter,
  ReplyClaims,
  Revocations,
  Sessions,
  SignInLinks,
  SignInTickets,
} from '@chatbox/core'
import type { Budgets, BudgetParts, HealthResult, Logger, Metrics, Settings } from '@chatbox/kit'
import type { RevocationCopy } from './auth/revocation-copy.ts'
import type { OidcProvider } from './auth/operators/oidc-provider.ts'
import type { OperatorList } from './auth/operators/operator-list.ts'
import type { OperatorTokens } from './auth/operators/operator-tokens.ts'
import type { VisitorTokens } from './auth/visitor-tokens.ts'
import type { AuditTrail } from './edge/audit-trail.ts'
import type { PendingWork } from './edge/pending-work.ts'
import type { RateGuard } from './edge/rate-guard.ts'
import type { SecurityEvents } from './edge/security-events.ts'
import type { InboxHub } from './inbox/inbox-hub.ts'
import type { Identity } from './usecases/caller.ts'
import type { HideOperators } from './usecases/human/hide-operators.ts'
import type { SocketAdapter } from './ws/chat-socket.ts'

/** The ports that a gateway depends on. */
export interface GatewayPorts {
  sessions: Sessions
  messages: MessageLog
  replies: ReplyClaims
  queue: JobQueue
  queueInspectors: readonly QueueInspector[]
  bus: EventBus
  limiter: RateLimiter
  presence: Presence
  ledger: Ledger
  inbox: Inbox
  desks: DeskLog
  revocations: Revocations
  signInTickets: SignInTickets
  audit: AuditLog
  /** Brings sign-in links to operators; undefined if this installation has no way to. */
  signInLinks?: SignInLinks | undefined
  pseudonym: BudgetParts['pseudonym']
  /** Signs the tokens of operators. Visitors see nothing that is made with it. */
  operatorTokenKey: KeyObject
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** Carries room events to the other gateways; undefined for a single gateway. */
  socketAdapter?: SocketAdapter
  /** Reports the readiness of this process and of its dependencies. */
  isReady(): Promise<HealthResult>
}

/** The settings of a gateway. They include neither provider keys nor back ends. */
export interface GatewayOptions extends Pick<
  Settings,
  'server' | 'auth' | 'sessions' | 'limits' | 'budgets' | 'operators'
> {
  /** The models that users may choose. The first one is the default. */
  models: readonly [Model, ...Model[]]
  /** The folder of the built chat page; undefined if this gateway serves no pages. */
  webRoot: string | undefined
  /** The folder of the built console; undefined if this gateway serves none. */
  consoleRoot: string | undefined
}

/** The parts of one gateway. Use cases, sockets and HTTP handlers get all of it. */
export interface Context extends Omit<GatewayPorts, 'revocations'> {
  revocations: RevocationCopy
  options: GatewayOptions
  guard: RateGuard
  hideOperators: HideOperators
  budgets: Budgets
  security: SecurityEvents
  inboxHub: InboxHub
  trail: AuditTrail
  /** The work that a drain waits for. */
  work: PendingWork
  visitors: VisitorTokens | undefined
  operators: OperatorList
  operatorTokens: OperatorTokens
  /** Undefined if none is set. */
  oidc: OidcProvider | undefined
  /** Throws `TOKEN_EXPIRED` or `UNAUTHORIZED`, or `UNAVAILABLE` without the issuer's keys. */
  verifyToken(token: string): Promise<Identity>
  /** Returns true if pages of this origin may use this gateway. */
  isAllowedOrigin(origin: string | undefined): boolean
  /**
   * Sends a new entry and the updated session to the viewers on every gateway. Never throws and is
   * never awaited: a viewer that misses the event catches up from the log.
   */
  announceEntry(message: Message, session: Session): void
  /** Like `announceEntry`, for the operators who follow the session's desk. */
  announceDesk(news: ServerPayload<'desk:new'>): void
}
