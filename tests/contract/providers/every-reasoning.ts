import { WIRES, type Protocol, type WireEvent } from '../../environment/model-wire.ts'
import type { Row } from './row.ts'

const TEXT = 'We open at nine.'

/** Reasoning in each form that servers write into the text. */
const REASONING: [name: string, text: string][] = [
  ['think', '<think>Promise no refunds.</think>\n\n'],
  ['think after a line', '\n<think>\nPromise no refunds.\n</think>\n'],
  ['think of nothing', '<think>\n\n</think>\n\n'],
  ['thinking, in capitals', '<THINKING>Promise no refunds.</THINKING>'],
  ['reasoning with attributes', '<reasoning effort="low">Promise < no > refunds.</reasoning> '],
  ['thought', '<thought>Promise no refunds.</thought>'],
  ['brackets', '[THINK]Promise no refunds.[/THINK]'],
  ['Kimi', '◁think▷Promise no refunds.◁/think▷'],
  ['Cohere', '<|START_THINKING|>Promise no refunds.<|END_THINKING|><|START_RESPONSE|>'],
  [
    'gpt-oss',
    '<|channel|>analysis<|message|>Promise no refunds.<|end|><|start|>assistant<|channel|>final<|message|>',
  ],
  [
    'Dify',
    '<details style="color:gray;" open> <summary> Thinking... </summary>\nPromise no refunds.\n</details>\n\n',
  ],
  [
    'a folded block without a label of its state',
    '<details><summary>Thought process</summary>Promise no refunds.</details>',
  ],
  ['twice', '<think>Promise</think> <think>no refunds.</think>'],
]

/** Answers that look like reasoning, and of which nothing may be missing. */
const ANSWERS: [name: string, text: string][] = [
  ['a folded block', '<details><summary>More</summary>x</details>'],
  [
    'a folded block that begins like reasoning',
    '<details><summary>Thinking of a return?</summary>Within 30 days.</details> Bye.',
  ],
  [
    'a folded block without a summary',
    '<details>Thinking takes 30 days.</details> We open at nine.',
  ],
  [
    'a folded block whose summary does not end',
    '<details><summary>Thinking</details> We open at nine.',
  ],
  ['data with a reason', '<reason>The parcel was damaged.</reason>'],
  ['data with a reason and more', '<reason>Damaged</reason>\n<refund>yes</refund>'],
  ['data with thoughts', '<thoughts>A poem on autumn</thoughts> is the title.'],
  ['an end of reasoning that is explained first', '</think> ends the reasoning of a model.'],
  ['an end of reasoning that is explained', 'The tag\n</think> ends the reasoning.'],
  ['an end of reasoning in a fence', 'Cut the text here:\n\n```html\n</think>\n```\n\nThen go on.'],
  ['an end of reasoning in a fence of tildes', 'So:\n~~~~\n~~~\n</think>\n~~~~\nThen go on.'],
  ['an end of reasoning in a line', 'It ends with `</think>`.\nThen go on.'],
  ['an end of reasoning in a quote', 'It ends:\n> </think>\nThen go on.'],
  ['reasoning in a fence', '```\n<think>\nhm\n</think>\n```'],
]

/** Reasoning in the text, in every protocol. */
export function toReasoningRows(protocol: Protocol): Row[] {
  const wire = WIRES[protocol]
  const said = (text: string): WireEvent[] => wire.events({ pieces: [text] })
  const letterByLetter = (text: string): WireEvent[] => wire.events({ pieces: Array.from(text) })
  return [
    ...REASONING.map(([name, text]): Row => [
      `reasoning: ${name}`,
      letterByLetter(text + TEXT),
      'complete',
      TEXT,
      1,
    ]),
    ['reasoning in one piece', said(`<think>hm</think>${TEXT}`), 'complete', TEXT, 1],
    [
      'reasoning without its beginning',
      letterByLetter(`Promise no refunds.\n</think>\n\n${TEXT}`),
      'complete',
      TEXT,
      1,
    ],
    [
      'reasoning without its beginning, in one piece',
      said(`hm\n</think>\n${TEXT}`),
      'complete',
      TEXT,
      1,
    ],
    [
      'reasoning without its beginning, with code in it',
      letterByLetter(`Try:\n\`\`\`\nx\n\`\`\`\nhm\n</think>\n\n${TEXT}`),
      'complete',
      TEXT,
      1,
    ],
    [
      'reasoning without its beginning, and no answer',
      letterByLetter('Promise no refunds.\n</think>'),
      'failed',
      '',
      3,
    ],
    ['an end of reasoning and no reasoning', said(`</think>\n\n${TEXT}`), 'complete', TEXT, 1],
    [
      'a text about reasoning',
      letterByLetter('So:\n<think>\n</think>\n'),
      'complete',
      'So:\n<think>\n</think>\n',
      1,
    ],
    ['reasoning without an answer', said('<think>hm</think>'), 'failed', '', 3],
    ['reasoning that never ends', said(`<think>hm ${TEXT}`), 'failed', '', 3],
    [
      'a text that begins like reasoning',
      letterByLetter('<thin> walls'),
      'complete',
      '<thin> walls',
      1,
    ],
    [
      'a text that is the beginning of reasoning',
      letterByLetter('<think'),
      'complete',
      '<think',
      1,
    ],
    [
      'a text that only names reasoning',
      letterByLetter('Use <think>so</think>.'),
      'complete',
      'Use <think>so</think>.',
      1,
    ],
    ['a text that begins with white space', said('  indented'), 'complete', '  indented', 1],
    ...ANSWERS.map(([name, text]): Row => [
      `an answer: ${name}`,
      letterByLetter(text),
      'complete',
      text,
      1,
    ]),
  ]
}
