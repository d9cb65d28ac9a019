import type { IndexDescription } from 'mongodb'

/** An alert; the `_id` is its own. */
export interface AlertDocument {
  _id: string
  rule: string
  sessionId?: string
  about?: string
  state: string
  reason?: string
  toldBy?: string
  openedAt: Date
  epoch: number
  size: number
  /** While it is open: when it is due, or when the lease of its claim ends. */
  dueAt?: Date
  /** The deliveries. */
  sealed?: string
}

/** The last message of a rule; the `_id` is the rule. */
export interface AlertGroupDocument {
  _id: string
  leader: string
  cutAt: Date
  nextAt: Date
}

/** A message that counts against a cap; the `_id` is the bucket and the place. */
export interface AlertPlaceDocument {
  _id: string
  bucket: string
  place: number
  alertId: string
  takenAt: Date
}

/** The only document: the channels of the workers. */
export interface AlertChannelsDocument {
  _id: 'channels'
  sealed: string
}

export const ALERT_INDEXES: IndexDescription[] = [
  // What is due, or was left behind.
  { name: 'due', key: { dueAt: 1 }, sparse: true },
  // The list, latest first.
  { name: 'opened', key: { openedAt: -1, _id: -1 } },
  // How many of a rule wait.
  { name: 'of_rule', key: { rule: 1, openedAt: 1 } },
]

export const ALERT_PLACE_INDEXES: IndexDescription[] = [
  // The places of one bucket.
  { name: 'of_bucket', key: { bucket: 1 } },
  // What may be forgotten.
  { name: 'taken', key: { takenAt: 1 } },
]
