import { IDS, event, said, replaced, END, CUT, UNAVAILABLE } from './dify-wire.ts'
import { json, sendJson, WORDS, type Row } from './row.ts'

const CONTENTS: Row[] = [
  [
    'an agent that thinks',
    [
      event('agent_thought', { thought: 'Promise no refunds.', tool: 'x' }),
      event('agent_message', { answer: 'We open ' }),
      event('agent_thought', { thought: 'hm' }),
      event('message_file', { type: 'image', url: 'https://files.example/1' }),
      event('agent_message', { answer: 'at nine.' }),
      END,
    ],
    'complete',
    'We open at nine.',
    1,
  ],
  [
    'steps of a workflow',
    [
      event('node_started', { data: {} }),
      event('iteration_started'),
      event('loop_next'),
      event('node_finished'),
      said('Hi'),
      event('tts_message', { audio: 'x' }),
      event('tts_message_end'),
      END,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'odd ids',
    [
      json({
        event: 'message',
        answer: 'Hi',
        task_id: 7,
        conversation_id: { a: 1 },
        created_at: 'now',
      }),
      END,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'ids of a million characters',
    [
      json({
        event: 'message',
        answer: 'Hi',
        task_id: 'x'.repeat(1_000_000),
        conversation_id: 'y'.repeat(1_000_000),
      }),
      END,
    ],
    'complete',
    'Hi',
    1,
  ],
  ['an answer of null', [said(null), said('Hi'), END], 'complete', 'Hi', 1],
  [
    'kinds only in the names of events',
    [
      { event: 'message', data: '{"answer":"Hi"}' },
      { event: 'message_end', data: '{}' },
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'a whole answer as JSON',
    sendJson({
      event: 'message',
      mode: 'chat',
      answer: 'Hi',
      ...IDS,
      metadata: { usage: { prompt_tokens: 3, completion_tokens: 4 } },
    }),
    'complete',
    'Hi',
    1,
    { tokens: [3, 4] },
  ],
  ['JSON of another kind', sendJson({ result: 'success' }), 'failed', '', 1, UNAVAILABLE],
]

const REPLACEMENTS: Row[] = [
  ['a replacement', [said('secret'), replaced('Sorry.'), END], 'complete', 'Sorry.', 1],
  [
    'a replacement that goes on',
    [said('secret'), replaced('Sorry'), said(', no.'), END],
    'complete',
    'Sorry, no.',
    1,
  ],
  [
    'a replacement of what was shown with more',
    [said('He'), replaced('Hello'), END],
    'complete',
    'Hello',
    1,
  ],
  ['a replacement before any text', [replaced('Sorry.'), END], 'complete', 'Sorry.', 1],
  [
    'two replacements',
    [said('secret'), replaced('Sorry.'), replaced('No.'), END],
    'complete',
    'No.',
    1,
  ],
  ['a replacement by nothing', [said('secret'), replaced(''), END], 'failed', '', 3, UNAVAILABLE],
  [
    'a replacement with reasoning',
    [said('secret'), replaced('<think>hm</think>Sorry.'), END],
    'complete',
    'Sorry.',
    1,
  ],
  [
    'a replacement, then the stream ends',
    [said('secret'), replaced('Sorry.')],
    'incomplete',
    'Sorry.',
    1,
    CUT,
  ],
  [
    'a replacement, then an error',
    [said('secret'), replaced('Sorry.'), event('error', { status: 400, code: 'x' })],
    'incomplete',
    'Sorry.',
    1,
    UNAVAILABLE,
  ],
  [
    'too many replacements',
    [said('secret'), ...Array.from({ length: 6 }, (_, index) => replaced(`No ${index}.`)), END],
    'incomplete',
    'No 4.',
    1,
    CUT,
  ],
]

const ERRORS: Row[] = [
  [
    'an error of status 503',
    [said('Hi'), event('error', { status: 503, code: 'x', message: WORDS })],
    'incomplete',
    'Hi',
    3,
    UNAVAILABLE,
  ],
  [
    'an error of status 400',
    [said('Hi'), event('error', { status: 400, code: 'completion_request_error', message: WORDS })],
    'incomplete',
    'Hi',
    1,
    UNAVAILABLE,
  ],
  [
    'a quota that is used up',
    [event('error', { code: 'provider_quota_exceeded', message: WORDS })],
    'failed',
    '',
    1,
    UNAVAILABLE,
  ],
  [
    'an error without a status',
    [said('Hi'), event('error', { message: WORDS }), END],
    'incomplete',
    'Hi',
    3,
    UNAVAILABLE,
  ],
]

export const DIFY_CONTENTS: Row[] = [...CONTENTS, ...REPLACEMENTS, ...ERRORS]
