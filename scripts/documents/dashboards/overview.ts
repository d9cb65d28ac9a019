import {
  of,
  perSecond,
  perSecondInAll,
  quantiles,
  type Board,
  type Panel,
  type Row,
} from './board.ts'

const OURS = of(
  'chatbox_events_answered_total',
  'event="message:send"',
  'outcome=~"ok|UNAVAILABLE|INTERNAL"',
)
const ANSWERED = of('chatbox_replies_total', 'status=~"complete|failed|incomplete"')

/** The good share over the time range of the board. */
function share(good: string, all: string): string {
  return `sum(increase(${good}[$__range])) / sum(increase(${all}[$__range]))`
}

function objective(title: string, target: number, rest: { about: string; expr: string }): Panel {
  return {
    title,
    about: rest.about,
    kind: 'stat',
    unit: 'percentunit',
    lines: { [title]: rest.expr },
    thresholds: { warn: target, bad: 1 - (1 - target) * 3, lessIsWorse: true },
  }
}

const objectives: Row = {
  title: 'Objectives, over the time shown',
  panels: [
    objective('Acknowledged (99.9 %)', 0.999, {
      about:
        'Messages sent that were stored and acknowledged. What its sender did wrong counts neither way. Runbook: ChatboxAckBudgetBurningFast.',
      expr: share(OURS.replace('ok|UNAVAILABLE|INTERNAL', 'ok'), OURS),
    }),
    objective('First text within 3 s (99 %)', 0.99, {
      about: 'Of the replies that have any text. Runbook: ChatboxFirstDeltaBudgetBurningFast.',
      expr: share(
        of('chatbox_first_delta_seconds_bucket', 'le=~"3|3.0"'),
        of('chatbox_first_delta_seconds_count'),
      ),
    }),
    objective('Replies complete (99.5 %)', 0.995, {
      about:
        'Of the replies that their readers did not stop. Runbook: ChatboxReplyBudgetBurningFast.',
      expr: share(ANSWERED.replace('complete|failed|incomplete', 'complete'), ANSWERED),
    }),
    {
      title: 'Burn rate of the error budgets',
      about:
        'How many times faster than allowed the last hour used the budget of a month: 1 just lasts, 14.4 is an alert.',
      unit: 'short',
      width: 16,
      lines: {
        'acknowledged {{namespace}}': `${of('chatbox:ack_errors:ratio1h')} / 0.001`,
        'first text {{namespace}}': `${of('chatbox:first_delta_errors:ratio1h')} / 0.01`,
        'complete {{namespace}}': `${of('chatbox:reply_errors:ratio1h')} / 0.005`,
      },
    },
    {
      title: 'Alerts that fire',
      about: 'Each has a section of its own name in docs/runbook.md. Nothing here is good news.',
      unit: 'none',
      lines: {
        '{{severity}} {{alertname}}':
          'sum by (alertname, severity) (ALERTS{alertname=~"Chatbox.+",alertstate="firing"})',
      },
    },
  ],
}

const users: Row = {
  title: 'People',
  panels: [
    {
      title: 'Connections',
      about: 'Open sockets of all gateways, and what they could hold together.',
      unit: 'short',
      lines: {
        open: `sum(${of('chatbox_websocket_connections')})`,
        limit: `sum(${of('chatbox_websocket_connections_limit')})`,
      },
    },
    {
      title: 'Messages accepted',
      about: 'Messages a second that are durable and acknowledged, repetitions left out.',
      unit: 'ops',
      lines: perSecondInAll('chatbox_messages_accepted_total', 'messages'),
    },
    {
      title: 'Time to acknowledge a message',
      about: 'From `message:send` to its acknowledgement, which comes once it is durable.',
      unit: 's',
      lines: quantiles('chatbox_event_duration_seconds', {
        shares: [0.5, 0.99],
        matchers: ['event="message:send"'],
      }),
    },
  ],
}

const answers: Row = {
  title: 'Answers',
  panels: [
    {
      title: 'Replies by status',
      about: '`stopped` is its reader’s wish; `failed` has no text, `incomplete` was cut.',
      unit: 'ops',
      lines: perSecond('chatbox_replies_total', 'status'),
    },
    {
      title: 'Time to the first text',
      about: 'From a question to the first text of its reply, waiting in the queue included.',
      unit: 's',
      lines: quantiles('chatbox_first_delta_seconds'),
    },
    {
      title: 'Time to the whole reply',
      about: 'From a question to its finished reply: mostly the model’s own pace.',
      unit: 's',
      lines: quantiles('chatbox_reply_duration_seconds'),
    },
    {
      title: 'Oldest job',
      about:
        'Time since the job whose turn is next was first enqueued; one that is tried again shows as a short peak. Runbook: ChatboxQueueAging.',
      unit: 's',
      lines: { '{{queue}}': `max by (queue) (${of('chatbox_queue_oldest_job_age_seconds')})` },
    },
    {
      title: 'Replies being written',
      about: 'On all workers at this moment.',
      unit: 'short',
      lines: { replies: `sum(${of('chatbox_replies_running')})` },
    },
    {
      title: 'Processes by version',
      about: 'Two versions side by side are an upgrade that goes on.',
      unit: 'none',
      lines: {
        '{{service}} {{version}}': `count by (service, version) (${of('chatbox_build_info')})`,
      },
    },
  ],
}

export const overview: Board = {
  uid: 'chatbox-overview',
  title: 'chatbox: overview',
  about: 'Are people served? Objectives, people, answers.',
  rows: [objectives, users, answers],
}
