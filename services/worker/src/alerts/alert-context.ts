import type {
  AlertChannel,
  Alerts,
  AlertTiming,
  Clock,
  MessageLog,
  Presence,
  Sessions,
} from '@chatbox/core'
import type { Logger, Metrics } from '@chatbox/kit'

/** What the delivery of alerts depends on. */
export interface AlertContext {
  alerts: Alerts
  sessions: Pick<Sessions, 'find'>
  messages: Pick<MessageLog, 'find' | 'read'>
  presence: Pick<Presence, 'count'>
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** A keyed digest of a name. */
  pseudonym: (name: string) => string
  channels: readonly AlertChannel[]
  policy: AlertPolicy
}

interface AlertPolicy extends AlertTiming {
  /** How far apart the messages of one rule are; 0: each alert has its own. */
  groupMs: number
  /** The messages of one rule to one recipient in an hour, before the one that says so. */
  cap: number
  /** Returns when the quiet hours of this moment end; undefined outside of them. */
  quietUntil(now: Date): Date | undefined
  /** The address of a session in the console, or of the console. */
  toLink(sessionId: string | undefined): string | undefined
  visitorText: boolean
  leaseMs: number
  /** The pause before a channel is tried again. */
  backoff: { baseMs: number; maxMs: number }
}

/** How long a channel is tried. A mail server's fault may last a night (RFC 5321, 4.5.4.1). */
export const TRY_FOR_MS = 86_400_000
