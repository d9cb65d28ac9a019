import type { KeyObject } from 'node:crypto'
import type {
  Alerts,
  AuditLog,
  ConversationRefs,
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
  SignInTickets,
} from '@chatbox/core'
import type { EncryptionKey } from './sealed/key-ring.ts'
import type { Pseudonym } from './sealed/pseudonym.ts'
import type { StallRules } from './redis/queue/bull-worker.ts'
import type { SocketAdapter } from './redis/bus/socket-adapter.ts'

export interface EmbeddedOptions {
  kind: 'embedded'
  dataDir: string
  encryptionKeys: readonly EncryptionKey[]
}

export interface ClusterOptions {
  kind: 'cluster'
  /** See `parseRedisAddress` for its forms. */
  redisUrl: string
  mongoUri: string
  mongoDatabase: string
  encryptionKeys: readonly EncryptionKey[]
  /**
   * The prefix of every key and channel in Redis. Installations that share one Redis need different
   * prefixes.
   */
  keyPrefix?: string
  /** When the queue considers a worker dead. Only tests set this. */
  stallRules?: StallRules
}

export type BackendOptions = EmbeddedOptions | ClusterOptions

/** The ports whose data lasts. */
export interface StorePorts {
  sessions: Sessions
  messages: MessageLog
  replies: ReplyClaims
  conversationRefs: ConversationRefs
}

export interface AlertPorts {
  alerts: Alerts
}

/** The lasting ports that only gateways use. */
export interface GatewayStorePorts {
  inbox: Inbox
  desks: DeskLog
  revocations: Revocations
  signInTickets: SignInTickets
  audit: AuditLog
}

export interface Store extends StorePorts, GatewayStorePorts, AlertPorts {
  /** Rejects with `UNAVAILABLE` within 3 s if the store does not answer. */
  ping(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

export interface Backend extends StorePorts, GatewayStorePorts, AlertPorts {
  queue: JobQueue
  queueInspectors: readonly QueueInspector[]
  bus: EventBus
  limiter: RateLimiter
  presence: Presence
  ledger: Ledger
  pseudonym: Pseudonym
  /** Signs the tokens of operators who sign in here. All gateways have the same. */
  operatorTokenKey: KeyObject
  /** The argument of `io.adapter()`; undefined in a single process, which needs none. */
  socketAdapter?: SocketAdapter
  /** The checks of readiness by name. Each rejects within 3 s if its back end is down. */
  checks: Record<string, () => Promise<void>>
  /**
   * Closes the parts in reverse order of opening. If one fails, the others are closed all the same.
   * Idempotent.
   */
  close(): Promise<void>
}
