/** What an alert says, before a channel puts it into its own form. */
export interface Notice {
  /** Of the alert. A repetition carries the same one, so that a receiver can tell it from a new one. */
  id: string
  /** For programs: `help.requested`, for example. */
  kind: string
  sessionId?: string
  /** What has happened, in one line. It holds no visitor's words. */
  subject: string
  time: Date
  /** Where to look. It asks for sign-in and carries no token. */
  link?: string
  /** A visitor's words. They leave the house only if the settings say so. */
  text?: string
}

export const CHANNEL_KINDS = ['mail', 'sms', 'webhook', 'chat', 'teams'] as const
export type ChannelKind = (typeof CHANNEL_KINDS)[number]

/**
 * Why a notice was not delivered. `gone`: the receiver wants no more notices, so the caller stops
 * asking this channel. `private-address`: the address leads into a network of our own.
 */
export type DeliveryFault =
  | 'host'
  | 'connection'
  | 'timeout'
  | 'tls'
  | 'certificate'
  | 'private-address'
  | 'credentials'
  | 'recipient'
  | 'busy'
  | 'refused'
  | 'gone'

/** The connection that a notice went over, as far as it came. */
export interface Route {
  /** The IP address and the port of the server. */
  address?: string
  /** The version of TLS, `TLSv1.3` for example; undefined without TLS. */
  tls?: string
}

/**
 * What became of one attempt. `said` is in the server's own words, or in those of the operating
 * system if there was no answer: one line of at most 300 characters, without our secrets. It may
 * name the recipient, so it belongs into the alert's record and not into a log.
 */
export type Delivery = { said: string; route: Route } & (
  | { outcome: 'delivered' }
  /** `retryAfterMs` is what the server asked for; at most a day. */
  | { outcome: 'retry'; fault: DeliveryFault; retryAfterMs?: number }
  | { outcome: 'failed'; fault: DeliveryFault }
)

/**
 * One way to one recipient. A delivery may be lost between the server and us, so the same notice may
 * arrive twice, with the same id.
 */
export interface AlertChannel {
  readonly kind: ChannelKind
  /** A mail address, a phone number, or the host of an address, which itself may be a secret. */
  readonly recipient: string
  /**
   * Makes one attempt, which takes at most 60 s for a mail and 15 s for the others. Rejects only
   * with the reason of `signal`.
   */
  send(notice: Notice, signal: AbortSignal): Promise<Delivery>
}
