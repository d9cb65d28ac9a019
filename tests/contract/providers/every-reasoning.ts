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
  ['twice', '<think>Promise</think> <think>no refunds.</think>'],
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
    [
      'a folded block that is no reasoning',
      said('<details><summary>More</summary>x</details>'),
      'complete',
      '<details><summary>More</summary>x</details>',
      1,
    ],
  ]
}
