import { perSecond, quantiles, SCOPE, type Board, type Panel, type Row } from './board.ts'

const OURS = `chatbox_events_answered_total{${SCOPE},event="message:send",outcome=~"ok|UNAVAILABLE|INTERNAL"}`
const ANSWERED = `chatbox_replies_total{${SCOPE},status=~"complete|failed|incomplete"}`

/** The share that was good over the time that the board shows. */
function share(good: string, all: string): string {
  return `sum(increase(${good}[$__range])) / sum(increase(${all}[$__range]))`
}

function objective(
  title: string,
  target: number,
  rest: { description: string; expr: string },
): Panel {
  return {
    title,
    description: rest.description,
    kind: 'stat',
    unit: 'percentunit',
    queries: [{ expr: rest.expr, legend: title }],
    thresholds: { warn: target, bad: 1 - (1 - target) * 3, lessIsWorse: true },
  }
}

const objectives: Row = {
  title: 'Objectives, over the time shown',
  panels: [
    objective('Acknowledged (99.9 %)', 0.999, {
      description:
        'Messages sent that were stored and acknowledged. What its sender did wrong counts neither way. Runbook: ChatboxAckBudgetBurningFast.',
      expr: share(OURS.replace('ok|UNAVAILABLE|INTERNAL', 'ok'), OURS),
    }),
    objective('First text within 3 s (99 %)', 0.99, {
      description:
        'Of the replies that have any text. Runbook: ChatboxFirstDeltaBudgetBurningFast.',
      expr: share(
        `chatbox_first_delta_seconds_bucket{${SCOPE},le=~"3|3.0"}`,
        `chatbox_first_delta_seconds_count{${SCOPE}}`,
      ),
    }),
    objective('Replies complete (99.5 %)', 0.995, {
      description:
        'Of the replies that their readers did not stop. Runbook: ChatboxReplyBudgetBurningFast.',
      expr: share(ANSWERED.replace('complete|failed|incomplete', 'complete'), ANSWERED),
    }),
    {
      title: 'Burn rate of the error budgets',
      description:
        'How many times faster than allowed the last hour used the budget of a month: 1 just lasts, 14.4 is an alert.',
      kind: 'timeseries',
      unit: 'short',
      width: 16,
      queries: [
        {
          expr: `chatbox:ack_errors:ratio1h{${SCOPE}} / 0.001`,
          legend: 'acknowledged {{namespace}}',
        },
        {
          expr: `chatbox:first_delta_errors:ratio1h{${SCOPE}} / 0.01`,
          legend: 'first text {{namespace}}',
        },
        {
          expr: `chatbox:reply_errors:ratio1h{${SCOPE}} / 0.005`,
          legend: 'complete {{namespace}}',
        },
      ],
    },
    {
      title: 'Alerts that fire',
      description:
        'Each has a section of its own name in docs/runbook.md. Nothing here is good news.',
      kind: 'timeseries',
      unit: 'none',
      queries: [
        {
          expr: 'sum by (alertname, severity) (ALERTS{alertname=~"Chatbox.+",alertstate="firing"})',
          legend: '{{severity}} {{alertname}}',
        },
      ],
    },
  ],
}

const users: Row = {
  title: 'People',
  panels: [
    {
      title: 'Connections',
      description: 'Open sockets of all gateways, and what they could hold together.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        { expr: `sum(chatbox_websocket_connections{${SCOPE}})`, legend: 'open' },
        { expr: `sum(chatbox_websocket_connections_limit{${SCOPE}})`, legend: 'limit' },
      ],
    },
    {
      title: 'Messages accepted',
      description: 'Messages a second that are durable and acknowledged, repetitions left out.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        {
          expr: `sum(rate(chatbox_messages_accepted_total{${SCOPE}}[$__rate_interval]))`,
          legend: 'messages',
        },
      ],
    },
    {
      title: 'Time to acknowledge a message',
      description: 'From `message:send` to its acknowledgement, which comes once it is durable.',
      kind: 'timeseries',
      unit: 's',
      queries: [0.5, 0.99].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le) (rate(chatbox_event_duration_seconds_bucket{${SCOPE},event="message:send"}[$__rate_interval])))`,
        legend: `p${quantile * 100}`,
      })),
    },
  ],
}

const answers: Row = {
  title: 'Answers',
  panels: [
    {
      title: 'Replies by status',
      description: '`stopped` is its reader’s wish; `failed` has no text, `incomplete` was cut.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        { expr: perSecond(`chatbox_replies_total{${SCOPE}}`, 'status'), legend: '{{status}}' },
      ],
    },
    {
      title: 'Time to the first text',
      description: 'From a question to the first text of its reply, waiting in the queue included.',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('chatbox_first_delta_seconds'),
    },
    {
      title: 'Time to the whole reply',
      description: 'From a question to its finished reply: mostly the model’s own pace.',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('chatbox_reply_duration_seconds'),
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
    },
    {
      title: 'Replies being written',
      description: 'On all workers at this moment.',
      kind: 'timeseries',
      unit: 'short',
      queries: [{ expr: `sum(chatbox_replies_running{${SCOPE}})`, legend: 'replies' }],
    },
    {
      title: 'Processes by version',
      description: 'Two versions side by side are an upgrade that goes on.',
      kind: 'timeseries',
      unit: 'none',
      queries: [
        {
          expr: `count by (service, version) (chatbox_build_info{${SCOPE}})`,
          legend: '{{service}} {{version}}',
        },
      ],
    },
  ],
}

export const overview: Board = {
  uid: 'chatbox-overview',
  title: 'chatbox: overview',
  description: 'Are people served? Objectives, people, answers.',
  rows: [objectives, users, answers],
}
