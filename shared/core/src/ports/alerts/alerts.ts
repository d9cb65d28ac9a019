import type { ChannelKind, DeliveryFault } from './alert-channel.ts'

/**
 * `queued` waits until it is due, and `claimed` is being delivered under a lease. The others are
 * final: at least one recipient has it, none could be reached, or nobody was to be told.
 */
export const ALERT_STATES = ['queued', 'claimed', 'sent', 'failed', 'suppressed'] as const
export type AlertState = (typeof ALERT_STATES)[number]

/** A reason to tell somebody. It holds ids only. */
export interface NewAlert {
  /** Made of the rule, the session and the occurrence, so that one occurrence is one alert. */
  id: string
  /** See `ALERT_RULES`. A process of a later version may know more. */
  rule: string
  sessionId?: string | undefined
  /** What it is about where there is no session: a model or a part, in at most 64 characters. */
  about?: string | undefined
}

/** What became of one recipient. It names a person, so it is encrypted at rest. */
export interface AlertDelivery {
  kind: ChannelKind
  recipient: string
  /** `held`: the cap of this hour was reached. `sending`: the answer is not known. */
  outcome: 'sending' | 'delivered' | 'retry' | 'failed' | 'held'
  attempts: number
  /** Of the last change, in ISO 8601. */
  at: string
  /** This message says that it is the last of its rule for the hour. */
  isLast?: boolean | undefined
  fault?: DeliveryFault | undefined
  /** The server's words, without our secrets. */
  said?: string | undefined
  /** Before this time it is not tried again. */
  nextAt?: string | undefined
  address?: string | undefined
  tls?: string | undefined
  durationMs?: number | undefined
}

export interface Alert extends NewAlert {
  /** By the store's clock. */
  openedAt: Date
  state: AlertState
  /** Why it waits, or why it has ended like this: one of `ALERT_REASONS`. */
  reason?: string | undefined
  /** The alert whose message told of this one too. */
  toldBy?: string | undefined
  /** The number of the claim. It is the fencing token of every write. */
  epoch: number
  /** How many alerts its message tells of; 0 until that is decided. */
  size: number
  deliveries: AlertDelivery[]
}

export type AlertClaim = Pick<Alert, 'id' | 'epoch'>

/** What a claim writes. What is left out stays. */
export type AlertChange = Partial<Pick<Alert, 'reason' | 'toldBy' | 'size' | 'deliveries'>> &
  (
    | { state: 'claimed'; leaseMs: number }
    /** Gives the claim up until then. */
    | { state: 'queued'; dueInMs: number }
    | { state: 'sent' | 'failed' | 'suppressed' }
  )

/**
 * `lead`: this alert's message tells of all of its rule that were ready. `told`: that of another one
 * does. `wait`: the last message of the rule is too young.
 */
export type Grouping =
  { type: 'lead' } | { type: 'told'; by: string } | { type: 'wait'; forMs: number }

export interface GroupQuery extends Pick<Alert, 'id' | 'rule'> {
  /** When its own wait was over. */
  readyAt: Date
  windowMs: number
  /** A leader that told nobody. */
  passOver?: string | undefined
}

export interface AlertQuery {
  state?: AlertState | undefined
  rule?: string | undefined
  /** The id of the last alert of the page before. */
  after?: string | undefined
  limit: number
}

/** A recipient, as the workers' settings have it. */
export interface KnownChannel {
  kind: ChannelKind
  recipient: string
}

/**
 * The record of alerts: which there are, who delivers which, and what became of them. An alert of an
 * entry is opened with that entry in one step (see `placeEntry`). Leases use the store's own clock.
 * All methods reject with `UNAVAILABLE` within 3 s if the store does not answer. When a write
 * resolves, it is durable.
 */
export interface Alerts {
  /** Opens an alert that is due at once. Returns false if it exists. */
  open(alert: NewAlert): Promise<boolean>
  /** Claims an alert that is due, or whose lease has expired. */
  claim(alertId: string, leaseMs: number): Promise<Alert | undefined>
  /** Claims alerts that are due, those that are due longest first. */
  claimDue(limit: number, leaseMs: number): Promise<Alert[]>
  /** Returns false and changes nothing if the claim is lost. */
  save(claim: AlertClaim, change: AlertChange): Promise<boolean>
  find(alertId: string): Promise<Alert | undefined>
  /** The latest first. */
  list(query: AlertQuery): Promise<Alert[]>
  /** Counts the alerts of a rule that were opened until then and are not settled; at most 1000. */
  countOpen(rule: string, until: Date): Promise<number>
  /** Decides whether an alert has a message of its own. The same one leads again after a crash. */
  group(query: GroupQuery): Promise<Grouping>
  /**
   * Takes one of `count` places, numbered from 0, for an alert. Repeated, it returns the same place.
   * Returns undefined if all are taken.
   */
  takePlace(bucket: string, alertId: string, count: number): Promise<number | undefined>
  /** Tells the gateways which channels the workers have. */
  noteChannels(channels: readonly KnownChannel[]): Promise<void>
  listChannels(): Promise<KnownChannel[]>
  /** Removes what was settled, and the places that were taken, before a time. */
  forget(before: Date): Promise<void>
}
