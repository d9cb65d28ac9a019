import { streamPieces } from '../../environment/model-server.ts'
import { encodeEvents } from '../../environment/model-wire.ts'
import { chunk, choice, said, ended, withEvent, CUT, UNAVAILABLE } from './openai-wire.ts'
import { DONE, json, sendJson, WORDS, type Row } from './row.ts'

const THINKING = { type: 'thinking', thinking: [{ type: 'text', text: 'Promise no refunds.' }] }

const CONTENTS: Row[] = [
  [
    'Mistral: parts of text and thinking',
    [
      said([THINKING]),
      said([{ type: 'text', text: 'Opening ' }]),
      said('hours'),
      ended('stop'),
      DONE,
    ],
    'complete',
    'Opening hours',
    1,
  ],
  [
    'parts in one list',
    [
      said([
        THINKING,
        { type: 'text', text: 'Opening ' },
        { type: 'reference', reference_ids: [1] },
        { type: 'text', text: 'hours' },
      ]),
      ended('stop'),
      DONE,
    ],
    'complete',
    'Opening hours',
    1,
  ],
  [
    'one part without a list',
    [said({ type: 'text', text: 'Hi' }), ended('stop'), DONE],
    'complete',
    'Hi',
    1,
  ],
  ['an empty list', [said([]), said('Hi'), ended('stop'), DONE], 'complete', 'Hi', 1],
  [
    'a part whose text is a number',
    [said('Hi'), said([{ type: 'text', text: 7 }]), ended('stop'), DONE],
    'incomplete',
    'Hi',
    1,
    CUT,
  ],
  [
    'a refusal',
    [choice({ delta: { refusal: 'I cannot.' } }), ended('stop'), DONE],
    'complete',
    'I cannot.',
    1,
  ],
  [
    'DeepSeek: reasoning_content',
    [
      choice({ delta: { reasoning_content: 'hm', content: null } }),
      said('Hi'),
      ended('stop'),
      DONE,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'OpenRouter: reasoning_details of odd types',
    [
      choice({ delta: { content: '', reasoning: 7, reasoning_details: { a: 1 } } }),
      said('Hi'),
      ended('stop'),
      DONE,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'odd fields everywhere',
    [
      json({
        id: 7,
        object: null,
        created: 'now',
        choices: [{ index: '0', delta: { content: 'Hi', role: 7 }, logprobs: 'x' }],
        system_fingerprint: {},
      }),
      ended('stop'),
      DONE,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'no index',
    [
      json({ choices: [{ delta: { content: 'Hi' } }] }),
      json({ choices: [{ delta: {}, finish_reason: 'stop' }] }),
      DONE,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'Azure: filters before the text',
    [
      json({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
      said('Hi'),
      json({
        choices: [{ index: 0, finish_reason: null, content_filter_offsets: { check_offset: 1 } }],
      }),
      ended('stop'),
      DONE,
    ],
    'complete',
    'Hi',
    1,
  ],
  ['choices of null', withEvent(chunk({ choices: null })), 'complete', 'Hi there.', 1],
  ['choices of a word', withEvent(chunk({ choices: 'x' })), 'incomplete', 'Hi', 1, CUT],
  [
    'Ollama: a role in each chunk',
    [
      choice({ delta: { role: 'assistant', content: 'Hi' }, finish_reason: null }),
      choice({ delta: { role: 'assistant', content: '' }, finish_reason: 'stop' }),
      DONE,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'llama.cpp: timings',
    [
      said('Hi'),
      chunk({
        choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
        timings: { predicted_n: 2 },
      }),
      DONE,
    ],
    'complete',
    'Hi',
    1,
  ],
  [
    'events with a name',
    [{ ...said('Hi'), event: 'message' }, { ...ended('stop'), event: 'chunk' }, DONE],
    'complete',
    'Hi',
    1,
  ],
]

const WHOLE = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm' }
const MESSAGE = { role: 'assistant', content: 'Hi' }
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }

const DOCUMENTS: Row[] = [
  [
    'a whole answer as JSON',
    sendJson({
      ...WHOLE,
      choices: [{ index: 0, message: MESSAGE, finish_reason: 'stop' }],
      usage: USAGE,
    }),
    'complete',
    'Hi',
    1,
    { tokens: [3, 4] },
  ],
  [
    'a whole answer labelled as a stream',
    sendJson(
      { ...WHOLE, choices: [{ index: 0, message: MESSAGE, finish_reason: 'stop' }] },
      'text/event-stream',
    ),
    'complete',
    'Hi',
    1,
  ],
  [
    'a whole answer without a reason',
    sendJson({ choices: [{ message: MESSAGE }] }),
    'complete',
    'Hi',
    1,
  ],
  [
    'a whole answer with reasoning',
    sendJson({ choices: [{ message: { content: '<think>hm</think>Hi' }, finish_reason: 'stop' }] }),
    'complete',
    'Hi',
    1,
  ],
  [
    'a whole answer that was cut',
    sendJson({ choices: [{ message: MESSAGE, finish_reason: 'length' }] }),
    'incomplete',
    'Hi',
    1,
    CUT,
  ],
  [
    'a whole answer in one event',
    [json({ ...WHOLE, choices: [{ index: 0, message: MESSAGE, finish_reason: 'stop' }] }), DONE],
    'complete',
    'Hi',
    1,
  ],
  [
    'a whole answer without choices',
    sendJson({ ...WHOLE, choices: [] }),
    'failed',
    '',
    1,
    UNAVAILABLE,
  ],
]

const ERRORS: Row[] = [
  [
    'OpenRouter: an error beside a choice',
    [
      said('Hi'),
      chunk({
        error: { code: 502, message: WORDS },
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
      }),
      DONE,
    ],
    'incomplete',
    'Hi',
    3,
    UNAVAILABLE,
  ],
  [
    'OpenRouter: an error within a choice',
    [
      said('Hi'),
      choice({ delta: {}, finish_reason: 'error', error: { code: 502, message: WORDS } }),
      DONE,
    ],
    'incomplete',
    'Hi',
    3,
    UNAVAILABLE,
  ],
  [
    'vLLM: an error by its object',
    [
      said('Hi'),
      json({ object: 'error', message: WORDS, type: 'BadRequestError', param: null, code: 400 }),
      DONE,
    ],
    'incomplete',
    'Hi',
    1,
    UNAVAILABLE,
  ],
  [
    'Mistral: an error with a code of its own',
    [
      said('Hi'),
      json({ object: 'error', message: WORDS, type: 'service_unavailable', code: '3505' }),
      DONE,
    ],
    'incomplete',
    'Hi',
    3,
    UNAVAILABLE,
  ],
  [
    'llama.cpp: an error in a field of the stream',
    streamPieces([
      encodeEvents([said('Hi')]),
      Buffer.from(`error: {"code":500,"message":"${WORDS}"}\n\n`),
      encodeEvents([DONE]),
    ]),
    'incomplete',
    'Hi',
    3,
    UNAVAILABLE,
  ],
  ['an error of null', withEvent(chunk({ error: null, choices: [] })), 'complete', 'Hi there.', 1],
]

export const OPENAI_CONTENTS: Row[] = [...CONTENTS, ...DOCUMENTS, ...ERRORS]
