import {
  inFiveMinutes,
  perSecond,
  PROCESS,
  PROCESS_LEGEND,
  quantile,
  quantiles,
  SCOPE,
  type Board,
  type Row,
} from './board.ts'
import { processRow } from './process-row.ts'

const connections: Row = {
  title: 'Connections',
  panels: [
    {
      title: 'Connections of each gateway',
      description:
        'Open sockets, and the limit of each. The autoscaler looks at this number. Runbook: ChatboxConnectionsNearLimit.',
      kind: 'timeseries',
      unit: 'short',
      width: 16,
      queries: [
        { expr: `chatbox_websocket_connections{${SCOPE}}`, legend: PROCESS_LEGEND },
        { expr: `max(chatbox_websocket_connections_limit{${SCOPE}})`, legend: 'limit' },
      ],
    },
    {
      title: 'Fullest gateway',
      description: 'Open sockets as a share of the limit. At 100 % it refuses further ones.',
      kind: 'stat',
      unit: 'percentunit',
      queries: [
        {
          expr: `max(chatbox_websocket_connections{${SCOPE}} / (chatbox_websocket_connections_limit{${SCOPE}} > 0))`,
          legend: 'fullest',
        },
      ],
      thresholds: { warn: 0.8, bad: 0.95 },
    },
    {
      title: 'Handshakes refused',
      description:
        'By error code. CONNECTION_LIMIT: a gateway or a user is full. UNAVAILABLE: a gateway drains.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: perSecond(`chatbox_handshakes_refused_total{${SCOPE}}`, 'code'),
          legend: '{{code}}',
        },
      ],
    },
    {
      title: 'Sockets that ended',
      description:
        'By reason. `connection-lost` is also a page that was closed, `drain` also what was closed at its deadline. Runbook: ChatboxForcedDisconnects.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        { expr: perSecond(`chatbox_disconnects_total{${SCOPE}}`, 'reason'), legend: '{{reason}}' },
      ],
    },
    {
      title: 'Draining',
      description: 'Processes that were told to end. Runbook: ChatboxDrainStuck.',
      kind: 'timeseries',
      unit: 'none',
      queries: [{ expr: `chatbox_draining{${SCOPE}}`, legend: PROCESS_LEGEND }],
    },
  ],
}

const events: Row = {
  title: 'Events and requests',
  panels: [
    {
      title: 'Events by outcome',
      description: 'Client events a second, with ok or an error code. UNAVAILABLE is the store.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: perSecond(`chatbox_events_answered_total{${SCOPE}}`, 'outcome'),
          legend: '{{outcome}}',
        },
      ],
    },
    {
      title: 'Time to answer an event, p99',
      description: 'By event. A deadline of the store ends at 3 s.',
      kind: 'timeseries',
      unit: 's',
      queries: [
        { expr: quantile(0.99, 'chatbox_event_duration_seconds', 'event'), legend: '{{event}}' },
      ],
    },
    {
      title: 'Refused by a rate limit',
      description:
        'By rule. One user does not hurt others; all of them at once are an attack or a fault of a client.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        { expr: perSecond(`chatbox_rate_limited_total{${SCOPE}}`, 'rule'), legend: '{{rule}}' },
      ],
    },
    {
      title: 'HTTP responses',
      description: 'Requests a second, by status.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: perSecond(`chatbox_http_responses_total{${SCOPE}}`, 'status'),
          legend: '{{status}}',
        },
      ],
    },
    {
      title: 'Time to answer a request, p99',
      description: 'Until the end of the response, by route.',
      kind: 'timeseries',
      unit: 's',
      queries: [
        { expr: quantile(0.99, 'chatbox_http_duration_seconds', 'route'), legend: '{{route}}' },
      ],
    },
  ],
}

const delivery: Row = {
  title: 'Live delivery',
  panels: [
    {
      title: 'Catching up',
      description:
        'Time to send a client what it missed. Many at once follow a restart of a gateway or a fault of the network.',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('chatbox_resync_duration_seconds'),
    },
    {
      title: 'Log entries sent in one catch-up, p99',
      description: 'How much clients had missed.',
      kind: 'timeseries',
      unit: 'short',
      queries: [{ expr: quantile(0.99, 'chatbox_resync_entries'), legend: 'entries' }],
    },
    {
      title: 'Slow readers, in 5 minutes',
      description: 'Deltas left out for clients that lag, and sockets closed for not reading.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        {
          expr: inFiveMinutes(`chatbox_deltas_dropped_total{${SCOPE}}`, PROCESS),
          legend: `left out ${PROCESS_LEGEND}`,
        },
        {
          expr: inFiveMinutes(`chatbox_slow_readers_closed_total{${SCOPE}}`, PROCESS),
          legend: `closed ${PROCESS_LEGEND}`,
        },
      ],
    },
    {
      title: 'Faults of Redis, in 5 minutes',
      description:
        'Events that did not get out, and returns of the subscriptions. Runbook: ChatboxRedisFaults.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        {
          expr: inFiveMinutes(`chatbox_publish_failures_total{${SCOPE}}`, PROCESS),
          legend: `not sent ${PROCESS_LEGEND}`,
        },
        {
          expr: inFiveMinutes(`chatbox_subscription_gaps_total{${SCOPE}}`, PROCESS),
          legend: `gaps ${PROCESS_LEGEND}`,
        },
      ],
    },
  ],
}

export const gateways: Board = {
  uid: 'chatbox-gateways',
  title: 'chatbox: gateways',
  description: 'Connections, what clients ask for, and how live events reach them.',
  rows: [connections, events, delivery, processRow('gateway|standalone')],
}
