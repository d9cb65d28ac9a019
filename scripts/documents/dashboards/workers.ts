import {
  inFiveMinutes,
  perSecond,
  PROCESS_LEGEND,
  quantile,
  SCOPE,
  type Board,
  type Panel,
  type Row,
} from './board.ts'
import { processRow } from './process-row.ts'

const queue: Row = {
  title: 'Queue',
  panels: [
    {
      title: 'Jobs by state',
      description:
        'One job for each session that waits. Every worker sees the same queue, so the highest number is shown. No line at all: no worker, or no Redis. Runbook: ChatboxRedisAway.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        {
          expr: `max by (queue, state) (chatbox_queue_jobs{${SCOPE}})`,
          legend: '{{queue}} {{state}}',
        },
      ],
    },
    {
      title: 'Oldest job',
      description:
        'Time since the job whose turn is next was first enqueued; one that is tried again shows as a short peak. Runbook: ChatboxQueueAging.',
      kind: 'timeseries',
      unit: 's',
      queries: [
        {
          expr: `max by (queue) (chatbox_queue_oldest_job_age_seconds{${SCOPE}})`,
          legend: '{{queue}}',
        },
      ],
      thresholds: { warn: 10, bad: 30 },
    },
    {
      title: 'Replies running',
      description: 'On each worker. `LLM_CONCURRENCY` is the most that one writes at once.',
      kind: 'timeseries',
      unit: 'short',
      queries: [{ expr: `chatbox_replies_running{${SCOPE}}`, legend: PROCESS_LEGEND }],
    },
    {
      title: 'Jobs by outcome',
      description: '`taken` and `nothing-open` are the price of at-least-once, and cheap.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        { expr: perSecond(`chatbox_jobs_total{${SCOPE}}`, 'outcome'), legend: '{{outcome}}' },
      ],
    },
    {
      title: 'Time of one job, p99',
      description: 'Mostly the model’s own pace.',
      kind: 'timeseries',
      unit: 's',
      queries: [{ expr: quantile(0.99, 'chatbox_job_duration_seconds', 'job'), legend: '{{job}}' }],
    },
    {
      title: 'Rounds of regular tasks that failed, in 5 minutes',
      description:
        '`watch-queue` fails without Redis, the others without the store. Runbook: ChatboxStoreAway.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        {
          expr: inFiveMinutes(`chatbox_sweeps_total{${SCOPE},outcome="failed"}`, 'sweep'),
          legend: '{{sweep}}',
        },
      ],
    },
  ],
}

const models: Row = {
  title: 'Models',
  panels: [
    {
      title: 'Time to the first text, p95',
      description: 'From a question to the first text of its reply, by model.',
      kind: 'timeseries',
      unit: 's',
      queries: [
        { expr: quantile(0.95, 'chatbox_first_delta_seconds', 'model'), legend: '{{model}}' },
      ],
      thresholds: { warn: 3, bad: 10 },
    },
    {
      title: 'Requests to providers',
      description:
        'By how they ended. `refused` will not get better by itself: a key, a model’s name, a quota.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: perSecond(`chatbox_provider_calls_total{${SCOPE}}`, 'model, outcome'),
          legend: '{{model}} {{outcome}}',
        },
      ],
    },
    {
      title: 'Open circuit breakers',
      description: '1 where a model is not asked for a while. Runbook: ChatboxBreakerOpen.',
      kind: 'timeseries',
      unit: 'none',
      queries: [{ expr: `max by (model) (chatbox_open_breakers{${SCOPE}})`, legend: '{{model}}' }],
    },
    {
      title: 'Replies by model and status',
      description: '`failed` has no text, `incomplete` was cut.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: perSecond(`chatbox_replies_total{${SCOPE}}`, 'model, status'),
          legend: '{{model}} {{status}}',
        },
      ],
    },
    {
      title: 'Tokens',
      description: 'As the providers count them, which is what they charge for.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: perSecond(`chatbox_tokens_total{${SCOPE}}`, 'model, kind'),
          legend: '{{model}} {{kind}}',
        },
      ],
    },
    {
      title: 'Deltas published',
      description: 'Pieces of live text a second, to all gateways.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: `sum(rate(chatbox_deltas_published_total{${SCOPE}}[$__rate_interval]))`,
          legend: 'deltas',
        },
      ],
    },
  ],
}

function countOf(
  title: string,
  selector: string,
  rest: { description: string; by: string },
): Panel {
  return {
    title: `${title}, in 5 minutes`,
    description: rest.description,
    kind: 'timeseries',
    unit: 'short',
    queries: [{ expr: inFiveMinutes(selector, rest.by), legend: `{{${rest.by}}}` }],
  }
}

const repairs: Row = {
  title: 'What went wrong and was put right',
  panels: [
    countOf('Takeovers', `chatbox_replies_taken_over_total{${SCOPE}}`, {
      description:
        'Replies begun by one worker and finished by another. Runbook: ChatboxTakeoversLasting.',
      by: 'instance',
    }),
    countOf('Writes fenced', `chatbox_writes_fenced_total{${SCOPE}}`, {
      description:
        'Workers that came back after a pause and found their reply taken over; nothing was doubled.',
      by: 'instance',
    }),
    countOf('Leases lost', `chatbox_leases_lost_total{${SCOPE}}`, {
      description: 'Renewals that came late: a slow store, or a worker whose CPU is throttled.',
      by: 'instance',
    }),
    countOf('Reconciled', `chatbox_reconciled_total{${SCOPE}}`, {
      description:
        '`pending`: jobs were lost. `expired`: workers died. `committed`: they died late.',
      by: 'kind',
    }),
    countOf('Failures of back ends', `chatbox_backend_failures_total{${SCOPE}}`, {
      description: 'What the adapters reported, by component. Runbook: ChatboxRedisFaults.',
      by: 'component',
    }),
    countOf('Payloads refused', `chatbox_payloads_refused_total{${SCOPE}}`, {
      description: 'By where they were found. Runbook: ChatboxPayloadsRefused.',
      by: 'source',
    }),
  ],
}

export const workers: Board = {
  uid: 'chatbox-workers',
  title: 'chatbox: workers',
  description: 'The queue, the models, and what was put right.',
  rows: [queue, models, repairs, processRow('worker|standalone')],
}
