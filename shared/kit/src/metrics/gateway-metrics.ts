import type { Instruments } from './instruments.ts'

/** The events between a gateway and its clients. */
export interface GatewayMetrics {
  /** Call it once, before the others. Sets the limit and shows all counters from the start. */
  gatewayStarted(maxConnections: number): void
  connections(change: 1 | -1): void
  disconnected(reason: DisconnectReason): void
  handshakeRefused(code: string): void
  eventAnswered(event: string, outcome: string, seconds: number): void
  httpAnswered(route: string, status: number, seconds: number): void
  messageAccepted(): void
  rateLimited(rule: string): void
  sessionResynced(entries: number, seconds: number): void
  deltaDropped(): void
  slowReaderClosed(): void
  securityEvent(kind: SecurityEventKind): void
  helpChanged(change: HelpChange): void
  takeoverChanged(change: TakeoverChange): void
  /** A takeover has ended a reply in the middle. */
  replyCut(): void
}

/** `taken-back` by the user. A takeover also ends a request, and is counted as one. */
const HELP_CHANGES = ['requested', 'taken-back'] as const
type HelpChange = (typeof HELP_CHANGES)[number]

/** `passed`: from one operator to another. */
const TAKEOVER_CHANGES = ['started', 'passed', 'ended'] as const
type TakeoverChange = (typeof TAKEOVER_CHANGES)[number]

/** What security events count. The list is closed; docs/operations.md says what each means. */
const SECURITY_EVENT_KINDS = [
  'token-refused',
  'foreign-id',
  'limit-hit',
  'forbidden',
  'role-lost',
  'operator-read',
  'operator-ended',
  'operator-assisted',
  'forged-payload',
] as const

export type SecurityEventKind = (typeof SECURITY_EVENT_KINDS)[number]

/**
 * Why a socket ended. The first four come from the client or the network, the others from the
 * gateway. `connection-lost` includes a closed or reloaded page, which looks the same. `drain` is
 * every socket that is closed because this gateway stops, also at the drain's deadline.
 */
export type DisconnectReason =
  | 'client-left'
  | 'connection-lost'
  | 'ping-timeout'
  | 'protocol-error'
  | 'slow-reader'
  | 'flood'
  | 'token-expired'
  | 'revoked'
  | 'drain'

/** In seconds. An acknowledgement takes milliseconds; a call to the store takes at most 3 s. */
const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3]

/** The outcomes that count for the objective. All others are the sender's own fault. */
const COUNTED_OUTCOMES = ['ok', 'UNAVAILABLE', 'INTERNAL']

export function createGatewayMetrics(instruments: Instruments): GatewayMetrics {
  const { gauge, count } = instruments
  const open = gauge('chatbox_websocket_connections', 'Sockets that are connected now.')
  const limit = gauge(
    'chatbox_websocket_connections_limit',
    'Sockets that this gateway takes at most, those in their handshake included; `MAX_CONNECTIONS`.',
  )
  const { countEvent, ...answers } = answerMetrics(instruments)
  const { help, takeovers, ...human } = humanMetrics(instruments)
  const security = instruments.counter(
    'chatbox_security_events_total',
    'One event that matters to security, by kind.',
    'kind',
  )
  return {
    gatewayStarted(maxConnections) {
      open.set({}, 0)
      limit.set({}, maxConnections)
      for (const kind of SECURITY_EVENT_KINDS) security.inc({ kind }, 0)
      for (const change of HELP_CHANGES) help.inc({ change }, 0)
      for (const change of TAKEOVER_CHANGES) takeovers.inc({ change }, 0)
      for (const outcome of COUNTED_OUTCOMES) countEvent('message:send', outcome, 0)
    },
    securityEvent: (kind) => security.inc({ kind }),
    connections: (change) => open.inc({}, change),
    disconnected: count(
      'chatbox_disconnects_total',
      'One socket that ended, by reason; `drain` also counts those that a drain closed at its deadline.',
      'reason',
    ),
    handshakeRefused: count(
      'chatbox_handshakes_refused_total',
      'One handshake that was refused, by error code.',
      'code',
    ),
    messageAccepted: count(
      'chatbox_messages_accepted_total',
      'One message that is durable and acknowledged, repetitions left out.',
    ),
    rateLimited: count(
      'chatbox_rate_limited_total',
      'One event, request or handshake refused by a rate limit.',
      'rule',
    ),
    deltaDropped: count(
      'chatbox_deltas_dropped_total',
      'One delta not sent because its reader lags; the reader catches up from the log.',
    ),
    slowReaderClosed: count(
      'chatbox_slow_readers_closed_total',
      'One socket or HTTP response ended because its reader did not keep up.',
    ),
    ...answers,
    ...human,
  }
}

function humanMetrics({ counter, count }: Instruments) {
  const help = counter(
    'chatbox_help_requests_total',
    'One request for a person, made or taken back.',
    'change',
  )
  const takeovers = counter(
    'chatbox_takeovers_total',
    'One takeover of a chat by an operator: started, passed to another operator, or ended.',
    'change',
  )
  return {
    help,
    takeovers,
    helpChanged: (change: HelpChange) => help.inc({ change }),
    takeoverChanged: (change: TakeoverChange) => takeovers.inc({ change }),
    replyCut: count(
      'chatbox_replies_cut_total',
      'One reply that a takeover ended in the middle; what was read of it is in the log.',
    ),
  }
}

/**
 * Durations have no outcome label: a histogram costs a dozen series for each combination of labels,
 * a counter only one.
 */
function answerMetrics({ counter, count, histogram }: Instruments) {
  const events = counter(
    'chatbox_events_answered_total',
    'One client event that was acknowledged, with ok or an error code.',
    'event',
    'outcome',
  )
  const eventSeconds = histogram(
    'chatbox_event_duration_seconds',
    'From one client event to its acknowledgement.',
    { buckets: FAST, labels: ['event'] },
  )
  const countResponse = count(
    'chatbox_http_responses_total',
    'One HTTP request that was answered.',
    'route',
    'status',
  )
  const httpSeconds = histogram(
    'chatbox_http_duration_seconds',
    'From one HTTP request to the end of its response.',
    { buckets: FAST, labels: ['route'] },
  )
  const entries = histogram('chatbox_resync_entries', 'Log entries sent in one catch-up.', {
    buckets: [0, 1, 2, 5, 10, 20, 50, 100, 200],
  })
  const resyncSeconds = histogram(
    'chatbox_resync_duration_seconds',
    'From one request to catch up to its answer.',
    { buckets: FAST },
  )
  const countEvent = (event: string, outcome: string, by: number) =>
    events.inc({ event, outcome }, by)
  return {
    countEvent,
    eventAnswered(event: string, outcome: string, seconds: number) {
      eventSeconds.observe({ event }, seconds)
      countEvent(event, outcome, 1)
    },
    httpAnswered(route: string, status: number, seconds: number) {
      httpSeconds.observe({ route }, seconds)
      countResponse(route, String(status))
    },
    sessionResynced(sent: number, seconds: number) {
      entries.observe({}, sent)
      resyncSeconds.observe({}, seconds)
    },
  }
}
