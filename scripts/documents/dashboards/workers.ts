import {
  inFiveMinutes,
  of,
  perSecond,
  perSecondInAll,
  PROCESS_LEGEND,
  processRow,
  quantile,
  type Board,
  type Panel,
  type Row,
} from './board.ts'

const queue: Row = {
  title: 'Queue',
  panels: [
    {
      title: 'Jobs by state',
      about:
        'One job for each session that waits. Every worker sees the same queue, so the highest number is shown. No line at all: no worker, or no Redis. Runbook: ChatboxRedisAway.',
      unit: 'short',
      lines: { '{{queue}} {{state}}': `max by (queue, state) (${of('chatbox_queue_jobs')})` },
    },
    {
      title: 'Oldest job',
      about:
        'Time since the job whose turn is next was first enqueued; one that is tried again shows as a short peak. Runbook: ChatboxQueueAging.',
      unit: 's',
      lines: { '{{queue}}': `max by (queue) (${of('chatbox_queue_oldest_job_age_seconds')})` },
      thresholds: { warn: 10, bad: 30 },
    },
    {
      title: 'Replies running',
      about: 'On each worker. `LLM_CONCURRENCY` is the most that one writes at once.',
      unit: 'short',
      lines: { [PROCESS_LEGEND]: of('chatbox_replies_running') },
    },
    {
      title: 'Jobs by outcome',
      about: '`taken` and `nothing-open` are the price of at-least-once, and cheap.',
      unit: 'ops',
      lines: perSecond('chatbox_jobs_total', 'outcome'),
    },
    {
      title: 'Time of one job, p99',
      about: 'Mostly the model’s own pace.',
      unit: 's',
      lines: { '{{job}}': quantile(0.99, 'chatbox_job_duration_seconds', { by: 'job' }) },
    },
    {
      title: 'Rounds of regular tasks that failed, in 5 minutes',
      about:
        '`watch-queue` fails without Redis, the others without the store. Runbook: ChatboxStoreAway.',
      unit: 'short',
      lines: inFiveMinutes(of('chatbox_sweeps_total', 'outcome="failed"'), 'sweep'),
    },
  ],
}

const models: Row = {
  title: 'Models',
  panels: [
    {
      title: 'Time to the first text, p95',
      about: 'From a question to the first text of its reply, by model.',
      unit: 's',
      lines: { '{{model}}': quantile(0.95, 'chatbox_first_delta_seconds', { by: 'model' }) },
      thresholds: { warn: 3, bad: 10 },
    },
    {
      title: 'Requests to providers',
      about:
        'By how they ended. `refused` will not get better by itself: a key, a model’s name, a quota.',
      unit: 'ops',
      lines: perSecond('chatbox_provider_calls_total', 'model, outcome'),
    },
    {
      title: 'Open circuit breakers',
      about: '1 where a model is not asked for a while. Runbook: ChatboxBreakerOpen.',
      unit: 'none',
      lines: { '{{model}}': `max by (model) (${of('chatbox_open_breakers')})` },
    },
    {
      title: 'Replies by model and status',
      about: '`failed` has no text, `incomplete` was cut.',
      unit: 'ops',
      lines: perSecond('chatbox_replies_total', 'model, status'),
    },
    {
      title: 'Tokens',
      about: 'As the providers count them, which is what they charge for.',
      unit: 'ops',
      lines: perSecond('chatbox_tokens_total', 'model, kind'),
    },
    {
      title: 'Deltas published',
      about: 'Pieces of live text a second, to all gateways.',
      unit: 'ops',
      lines: perSecondInAll('chatbox_deltas_published_total', 'deltas'),
    },
  ],
}

function countOf(title: string, selector: string, rest: { about: string; by: string }): Panel {
  return {
    title: `${title}, in 5 minutes`,
    about: rest.about,
    unit: 'short',
    lines: inFiveMinutes(selector, rest.by),
  }
}

const repairs: Row = {
  title: 'What went wrong and was put right',
  panels: [
    countOf('Takeovers', of('chatbox_replies_taken_over_total'), {
      about:
        'Replies begun by one worker and finished by another. Runbook: ChatboxTakeoversLasting.',
      by: 'instance',
    }),
    countOf('Writes fenced', of('chatbox_writes_fenced_total'), {
      about:
        'Workers that came back after a pause and found their reply taken over; nothing was doubled.',
      by: 'instance',
    }),
    countOf('Leases lost', of('chatbox_leases_lost_total'), {
      about: 'Renewals that came late: a slow store, or a worker whose CPU is throttled.',
      by: 'instance',
    }),
    countOf('Reconciled', of('chatbox_reconciled_total'), {
      about: '`pending`: jobs were lost. `expired`: workers died. `committed`: they died late.',
      by: 'kind',
    }),
    countOf('Failures of back ends', of('chatbox_backend_failures_total'), {
      about: 'What the adapters reported, by component. Runbook: ChatboxRedisFaults.',
      by: 'component',
    }),
    countOf('Payloads refused', of('chatbox_payloads_refused_total'), {
      about: 'By where they were found. Runbook: ChatboxPayloadsRefused.',
      by: 'source',
    }),
  ],
}

export const workers: Board = {
  uid: 'chatbox-workers',
  title: 'chatbox: workers',
  about: 'The queue, the models, and what was put right.',
  rows: [queue, models, repairs, processRow('worker|standalone')],
}
