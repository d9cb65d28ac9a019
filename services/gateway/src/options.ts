import type { Model } from '@chatbox/contract'
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

/** Everything that both faces of a gateway, sockets and HTTP, work with. */
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
