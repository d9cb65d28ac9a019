import type {
  ConversationRefs,
  EventBus,
  JobQueue,
  MessageLog,
  Presence,
  RateLimiter,
  ReplyClaims,
  Sessions,
} from '@chatbox/core'
import type { EncryptionKey } from './sealed/key-ring.ts'
import type { StallRules } from './redis/queue/bull-worker.ts'
import type { SocketAdapter } from './redis/bus/socket-adapter.ts'

export interface EmbeddedOptions {
  kind: 'embedded'
  dataDir: string
  encryptionKeys: readonly EncryptionKey[]
}

export interface ClusterOptions {
  kind: 'cluster'
  /** For its forms see `parseRedisAddress`. */
  redisUrl: string
  mongoUri: string
  mongoDatabase: string
  encryptionKeys: readonly EncryptionKey[]
  /** Of every key and channel in Redis; installations that share one need different ones. */
  keyPrefix?: string
  /** When the queue takes a worker for dead; for tests, which show what other rules do. */
  stallRules?: StallRules
}

export type BackendOptions = EmbeddedOptions | ClusterOptions

/** The ports that last. */
export interface StorePorts {
  sessions: Sessions
  messages: MessageLog
  replies: ReplyClaims
  conversationRefs: ConversationRefs
}

export interface Store extends StorePorts {
  /** Rejects with `UNAVAILABLE` within 3 s when the store does not answer. */
  ping(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

export interface Backend extends StorePorts {
  queue: JobQueue
  bus: EventBus
  limiter: RateLimiter
  presence: Presence
  /** What `io.adapter()` takes; undefined in a single process, which needs none. */
  socketAdapter?: SocketAdapter
  /** By name, what readiness depends on; each rejects within 3 s when its back end is away. */
  checks: Record<string, () => Promise<void>>
  /** In reverse order of opening. Idempotent; one part that fails to close keeps no other open. */
  close(): Promise<void>
}
