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
import type { HealthResult, Logger, Metrics } from '@chatbox/kit'

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

export interface GatewayOptions {
  /** 0 for any free one. */
  port: number
  host: string
  /** Begins with `/` and does not end with one. */
  pathPrefix: string
  publicUrl: string | undefined
  auth: AuthOptions
  /** Exact origins: scheme, host and port. */
  allowedOrigins: readonly string[]
  trustedProxies: readonly string[]
  /** What may be reached over https alone once a browser has been here. */
  hsts: 'off' | 'host' | 'subdomains'
  allowVisitors: boolean
  /** What a user may choose from; the first one is the default. */
  models: readonly [Model, ...Model[]]
  reconnectTimeoutMs: number
  /** Messages a minute a user. */
  rateLimit: number
  maxConnections: number
  maxConnectionsPerUser: number
  maxMessageBytes: number
  /** The folder of the built chat page; undefined for a gateway that serves no pages. */
  webRoot: string | undefined
}

export interface AuthOptions {
  /** HS256; never together with `jwksUrl`. */
  jwtSecret: string | undefined
  jwksUrl: string | undefined
  issuer: string | undefined
  audience: string | undefined
}
