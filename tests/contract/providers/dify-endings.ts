import { event, said, counted, END, ESTIMATED, CUT, UNAVAILABLE } from './dify-wire.ts'
import { WORDS, type Row } from './row.ts'

const ENDINGS: Row[] = [
  ['message_end', [said('Hi'), END], 'complete', 'Hi', 1],
  [
    'message_end after an event that is not known',
    [said('Hi'), event('novelty'), END],
    'complete',
    'Hi',
    1,
  ],
  [
    'a workflow that succeeded',
    [
      event('workflow_started'),
      said('Hi'),
      event('workflow_finished', { data: { status: 'succeeded' } }),
      END,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'a workflow and no message_end',
    [said('Hi'), event('workflow_finished', { data: { status: 'succeeded' } })],
    'incomplete',
    'Hi',
    1,
    CUT,
  ],
  [
    'a workflow that failed',
    [said('Hi'), event('workflow_finished', { data: { status: 'failed', error: WORDS } }), END],
    'incomplete',
    'Hi',
    3,
    UNAVAILABLE,
  ],
  [
    'a workflow that was stopped',
    [said('Hi'), event('workflow_finished', { data: { status: 'stopped' } }), END],
    'incomplete',
    'Hi',
    1,
    CUT,
  ],
  [
    'a workflow that waits for a person',
    [said('Hi'), event('workflow_paused', { data: {} })],
    'incomplete',
    'Hi',
    1,
    CUT,
  ],
  [
    'a workflow without a state',
    [said('Hi'), event('workflow_finished', { data: null }), END],
    'complete',
    'Hi',
    1,
  ],
]

const COUNTS: Row[] = [
  [
    'tokens',
    counted({ prompt_tokens: 3, completion_tokens: 4, total_price: '0.1' }),
    'complete',
    'Hi',
    1,
    { tokens: [3, 4] },
  ],
  ['no metadata', [said('Hi'), event('message_end')], 'complete', 'Hi', 1, ESTIMATED],
  [
    'metadata of a word',
    [said('Hi'), event('message_end', { metadata: 'x' })],
    'complete',
    'Hi',
    1,
    ESTIMATED,
  ],
  ['tokens only in part', counted({ prompt_tokens: 3 }), 'complete', 'Hi', 1, ESTIMATED],
  [
    'tokens of odd types',
    counted({ prompt_tokens: '3', completion_tokens: null }),
    'complete',
    'Hi',
    1,
    ESTIMATED,
  ],
]

export const DIFY_ENDINGS: Row[] = [...ENDINGS, ...COUNTS]
