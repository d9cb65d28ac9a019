import {
  inFiveMinutesByProcess,
  of,
  perSecond,
  PROCESS_LEGEND,
  processRow,
  quantile,
  quantiles,
  type Board,
  type Row,
} from './board.ts'

const connections: Row = {
  title: 'Connections',
  panels: [
    {
      title: 'Connections of each gateway',
      about:
        'Open sockets, and the limit of each. The autoscaler looks at this number. Runbook: ChatboxConnectionsNearLimit.',
      unit: 'short',
      width: 16,
      lines: {
        [PROCESS_LEGEND]: of('chatbox_websocket_connections'),
        limit: `max(${of('chatbox_websocket_connections_limit')})`,
      },
    },
    {
      title: 'Fullest gateway',
      about: 'Open sockets as a share of the limit. At 100 % it refuses further ones.',
      kind: 'stat',
      unit: 'percentunit',
      lines: {
        fullest: `max(${of('chatbox_websocket_connections')} / (${of('chatbox_websocket_connections_limit')} > 0))`,
      },
      thresholds: { warn: 0.8, bad: 0.95 },
    },
    {
      title: 'Handshakes refused',
      about:
        'By error code. CONNECTION_LIMIT: a gateway or a user is full. UNAVAILABLE: a gateway drains.',
      unit: 'ops',
      lines: perSecond('chatbox_handshakes_refused_total', 'code'),
    },
    {
      title: 'Sockets that ended',
      about:
        'By reason. `connection-lost` is also a page that was closed, `drain` also what was closed at its deadline. Runbook: ChatboxForcedDisconnects.',
      unit: 'ops',
      lines: perSecond('chatbox_disconnects_total', 'reason'),
    },
    {
      title: 'Draining',
      about: 'Processes that were told to end. Runbook: ChatboxDrainStuck.',
      unit: 'none',
      lines: { [PROCESS_LEGEND]: of('chatbox_draining') },
    },
  ],
}

const events: Row = {
  title: 'Events and requests',
  panels: [
    {
      title: 'Events by outcome',
      about: 'Client events a second, with ok or an error code. UNAVAILABLE is the store.',
      unit: 'ops',
      lines: perSecond('chatbox_events_answered_total', 'outcome'),
    },
    {
      title: 'Time to answer an event, p99',
      about: 'By event. A deadline of the store ends at 3 s.',
      unit: 's',
      lines: { '{{event}}': quantile(0.99, 'chatbox_event_duration_seconds', { by: 'event' }) },
    },
    {
      title: 'Refused by a rate limit',
      about:
        'By rule. One user does not hurt others; all of them at once are an attack or a fault of a client.',
      unit: 'ops',
      lines: perSecond('chatbox_rate_limited_total', 'rule'),
    },
    {
      title: 'HTTP responses',
      about: 'Requests a second, by status.',
      unit: 'ops',
      lines: perSecond('chatbox_http_responses_total', 'status'),
    },
    {
      title: 'Time to answer a request, p99',
      about: 'Until the end of the response, by route.',
      unit: 's',
      lines: { '{{route}}': quantile(0.99, 'chatbox_http_duration_seconds', { by: 'route' }) },
    },
  ],
}

const delivery: Row = {
  title: 'Live delivery',
  panels: [
    {
      title: 'Catching up',
      about:
        'Time to send a client what it missed. Many at once follow a restart of a gateway or a fault of the network.',
      unit: 's',
      lines: quantiles('chatbox_resync_duration_seconds'),
    },
    {
      title: 'Log entries sent in one catch-up, p99',
      about: 'How much clients had missed.',
      unit: 'short',
      lines: { entries: quantile(0.99, 'chatbox_resync_entries') },
    },
    {
      title: 'Slow readers, in 5 minutes',
      about: 'Deltas left out for clients that lag, and sockets closed for not reading.',
      unit: 'short',
      lines: inFiveMinutesByProcess({
        'left out': 'chatbox_deltas_dropped_total',
        closed: 'chatbox_slow_readers_closed_total',
      }),
    },
    {
      title: 'Faults of Redis, in 5 minutes',
      about:
        'Events that did not get out, and returns of the subscriptions. Runbook: ChatboxRedisFaults.',
      unit: 'short',
      lines: inFiveMinutesByProcess({
        'not sent': 'chatbox_publish_failures_total',
        gaps: 'chatbox_subscription_gaps_total',
      }),
    },
  ],
}

export const gateways: Board = {
  uid: 'chatbox-gateways',
  title: 'chatbox: gateways',
  about: 'Connections, what clients ask for, and how live events reach them.',
  rows: [connections, events, delivery, processRow('gateway|standalone')],
}
