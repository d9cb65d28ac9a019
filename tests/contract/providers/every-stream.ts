import { sendStatus, streamPieces } from '../../environment/model-server.ts'
import { encodeEvents, WIRES, type Protocol, type WireEvent } from '../../environment/model-wire.ts'
import { json, sendJson, sendRaw, type Input, type Row } from './row.ts'

const TEXT = 'We open at nine.'
const PIECES = ['We open ', 'at nine.']
const HALF = 'We open '

/** Whole replies and broken streams, in every protocol. */
export function toStreamRows(protocol: Protocol): Row[] {
  return [...toWholeRows(protocol), ...toBrokenRows(protocol), ...toStrangeRows(protocol)]
}

function toWholeRows(protocol: Protocol): Row[] {
  const wire = WIRES[protocol]
  const events = wire.events({ pieces: PIECES })
  const bytes = encodeEvents(events)
  const comment = Buffer.from(': hello\n\nretry: 10\nid: 7\nfoo: bar\n\n')
  const unknown = { event: 'novelty', data: JSON.stringify(wire.unknown) }
  const noise = [comment, encodeEvents([unknown])]
  return [
    ['a whole reply', events, 'complete', TEXT, 1],
    ['byte by byte', streamPieces([...bytes].map((byte) => Buffer.of(byte))), 'complete', TEXT, 1],
    [
      'lines ended by CRLF, with BOM',
      sendRaw(encodeEvents(events, { newline: '\r\n', bom: true })),
      'complete',
      TEXT,
      1,
    ],
    ['lines ended by CR', sendRaw(encodeEvents(events, { newline: '\r' })), 'complete', TEXT, 1],
    ['no last blank line', sendRaw(bytes.subarray(0, -1)), 'complete', TEXT, 1],
    ['no end of the last line', sendRaw(bytes.subarray(0, -2)), 'complete', TEXT, 1],
    ['labelled text/plain', sendRaw(bytes, 'text/plain'), 'complete', TEXT, 1],
    ['labelled application/json', sendRaw(bytes, 'application/json'), 'complete', TEXT, 1],
    ['labelled text/html', sendRaw(bytes, 'text/html'), 'complete', TEXT, 1],
    ['without a label', sendRaw(bytes, ''), 'complete', TEXT, 1],
    [
      'blank lines first',
      sendRaw(Buffer.concat([Buffer.from('\n\n'), bytes])),
      'complete',
      TEXT,
      1,
    ],
    [
      'comments, unknown fields, unknown events',
      streamPieces(events.flatMap((event) => [...noise, encodeEvents([event])])),
      'complete',
      TEXT,
      1,
    ],
    [
      'more after the end',
      [...events, wire.piece('More.', {}), { data: 'nonsense' }],
      'complete',
      TEXT,
      1,
    ],
    [
      'tokens',
      wire.events({ pieces: PIECES, usage: { prompt: 12, completion: 7 } }),
      'complete',
      TEXT,
      1,
      { tokens: [12, 7] },
    ],
    [
      'tokens below zero',
      wire.events({ pieces: PIECES, usage: { prompt: -5, completion: 20 } }),
      'complete',
      TEXT,
      1,
      { tokens: 'estimated' },
    ],
    [
      'tokens past all sums',
      wire.events({ pieces: PIECES, usage: { prompt: 2 ** 53 - 1, completion: 1e300 } }),
      'complete',
      TEXT,
      1,
      { tokens: 'estimated' },
    ],
    [
      'tokens in parts',
      wire.events({ pieces: PIECES, usage: { prompt: 1.5, completion: 2.5 } }),
      'complete',
      TEXT,
      1,
      { tokens: 'estimated' },
    ],
    [
      'tokens of zero',
      wire.events({ pieces: PIECES, usage: { prompt: 0, completion: 0 } }),
      'complete',
      TEXT,
      1,
      { tokens: 'estimated' },
    ],
  ]
}

function toBrokenRows(protocol: Protocol): Row[] {
  const wire = WIRES[protocol]
  const events = wire.events({ pieces: PIECES })
  const begun = [...wire.opening({}), wire.piece(HALF, {})]
  const between = (...more: WireEvent[]): WireEvent[] => [
    ...begun,
    ...more,
    ...events.slice(begun.length),
  ]
  const cut = { code: 'LLM_TRUNCATED' } as const
  return [
    ['nothing at all', [], 'failed', '', 3, cut],
    ['blank lines and nothing else', sendRaw('\n\n\n'), 'failed', '', 3, cut],
    ['a part of the text', begun, 'incomplete', HALF, 1, cut],
    [
      'all but what says that it is whole',
      events.slice(0, -wire.terminators),
      'incomplete',
      TEXT,
      1,
      cut,
    ],
    [
      'a reset in the middle',
      streamPieces([encodeEvents(begun)], { then: 'reset' }),
      'incomplete',
      HALF,
      1,
      cut,
    ],
    ['no text, twice, then a reply', events, 'complete', TEXT, 2, { first: [] }],
    [
      'an end without text',
      wire.events({ pieces: [] }),
      'failed',
      '',
      3,
      { code: 'LLM_UNAVAILABLE' },
    ],
    ['an event of broken JSON', between({ data: '{"nonsense' }), 'incomplete', HALF, 1, cut],
    ['an event of a scalar', between({ data: '42' }), 'incomplete', HALF, 1, cut],
    ['an event of null', between({ data: 'null' }), 'incomplete', HALF, 1, cut],
    ['a text of the wrong type', between(json(wire.wrongTypes)), 'incomplete', HALF, 1, cut],
    [
      'an event over the cap',
      between(wire.piece('x'.repeat(2_200_000), {})),
      'incomplete',
      HALF,
      1,
      cut,
    ],
    [
      'an event just under the cap',
      [...wire.opening({}), wire.piece('x'.repeat(2_000_000), {})],
      'incomplete',
      'x'.repeat(200_000),
      1,
      cut,
    ],
    ['its first line in part', sendRaw(encodeEvents(begun).subarray(0, 3)), 'failed', '', 3, cut],
    [
      'an event of broken JSON after one without text',
      [...wire.opening({}), { data: '{"nonsense' }],
      'failed',
      '',
      3,
      cut,
    ],
    ['a JSON answer without its end', sendRaw('{"id": "x", "choices": [{"'), 'failed', '', 3, cut],
    ['a JSON answer of one character', sendRaw('{'), 'failed', '', 3, cut],
  ]
}

/** Answers that are not of the protocol, and that another request would bring again. */
function toStrangeRows(protocol: Protocol): Row[] {
  const wire = WIRES[protocol]
  const events = wire.events({ pieces: PIECES })
  const lines = events.map(({ data = '{}' }) => `${data}\n`).join('')
  const other = protocol === 'dify' ? WIRES.openai : WIRES.dify
  const strange = { code: 'LLM_UNAVAILABLE' } as const
  const toRow = (name: string, input: Input): Row => [name, input, 'failed', '', 1, strange]
  return [
    toRow('JSON in lines', sendRaw(lines, 'application/x-ndjson')),
    toRow('JSON in lines, without its end', sendRaw(lines.slice(0, -9), 'application/x-ndjson')),
    toRow('prose', sendRaw('The service is being moved.\nPlease come back.', 'text/plain')),
    toRow('prose of one line', sendRaw('OK', 'text/plain')),
    toRow('broken JSON in place of a stream', sendRaw('{error: "x"}')),
    toRow('a scalar in place of a stream', sendRaw('"Hello"', 'application/json')),
    toRow('a first event of broken JSON', [{ data: '{"nonsense' }, ...events]),
    toRow('a first event of words', [{ data: 'Hello' }]),
    toRow('a first event with a text of the wrong type', [json(wire.wrongTypes)]),
    toRow('events of no known kind', [json({ hello: 'world' }), json({ hello: 'moon' })]),
    toRow('events of another protocol', other.events({ pieces: PIECES })),
    ['HTML', sendRaw('<!doctype html><title>Welcome</title>', 'text/html'), 'failed', '', 1],
    ['HTML labelled as a stream', sendRaw('<html>Welcome</html>'), 'failed', '', 1],
    ['a list', sendRaw('[]', 'application/json'), 'failed', '', 1],
    ['JSON without a reply', sendJson({ hello: 'world' }), 'failed', '', 1],
    ['a compressed stream', sendStatus(200, 'x', { 'content-encoding': 'gzip' }), 'failed', '', 1],
  ]
}
