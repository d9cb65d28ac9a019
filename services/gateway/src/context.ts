import type { Message, Model, Session } from '@chatbox/contract'
import type {
  Clock,
  EventBus,
  JobQueue,
  MessageLog,
  Presence,
  RateLimiter,
  ReplyClaims,
  Sessions,
} from '@chatbox/core'
import type { HealthResult, Logger, Metrics, Settings } from '@chatbox/kit'
import type { VisitorTokens } from './auth/visitor-tokens.ts'
import type { PendingWork } from './edge/pending-work.ts'
import type { RateGuard } from './edge/rate-guard.ts'
import type { Identity } from './usecases/caller.ts'
import type { SocketAdapter } from './ws/chat-socket.ts'

/** What a gateway is given from outside. */
export interface GatewayPorts {
  sessions: Sessions
  messages: MessageLog
  replies: ReplyClaims
  queue: JobQueue
  bus: EventBus
  limiter: RateLimiter
  presence: Presence
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** Carries room events to the other gateways; without it this is the only one. */
  socketAdapter?: SocketAdapter
  /** Readiness of this process and of what it depends on. */
  isReady(): Promise<HealthResult>
}

/** The part of the settings that a gateway works with: neither keys of providers nor back ends. */
export interface GatewayOptions extends Pick<Settings, 'server' | 'auth' | 'sessions' | 'limits'> {
  /** What a user may choose from; the first one is the default. */
  models: readonly [Model, ...Model[]]
  /** The folder of the built chat page; undefined for a gateway that serves no pages. */
  webRoot: string | undefined
}

/** The parts of one gateway. Use cases, sockets and HTTP are each handed all of it. */
export interface Context extends GatewayPorts {
  options: GatewayOptions
  guard: RateGuard
  /** What a drain waits for. */
  work: PendingWork
  /** Undefined where no visitors are let in. */
  visitors: VisitorTokens | undefined
  /** Throws `TOKEN_EXPIRED`, `UNAUTHORIZED`, or `UNAVAILABLE` where the issuer's keys are out of reach. */
  verifyToken(token: string): Promise<Identity>
  /** Whether pages of this origin may talk to this gateway. */
  isAllowedOrigin(origin: string | undefined): boolean
  /**
   * Tells the viewers of a session, on every gateway, of a new entry and of the session after it.
   * Never throws and is never waited for: a viewer that misses it catches up from the log.
   */
  announceEntry(message: Message, session: Session): void
}
