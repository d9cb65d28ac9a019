import { hang, reset, streamPieces } from '../../environment/model-server.ts'
import { encodeEvents, WIRES, type Protocol, type WireEvent } from '../../environment/model-wire.ts'
import { json, keepAlive, refuse, sendJson, WORDS, type Row } from './row.ts'

const TEXT = 'We open at nine.'
const PIECES = ['We open ', 'at nine.']
const HALF = 'We open '

/** Errors, refusals and silence, in every protocol. */
export function toErrorRows(protocol: Protocol): Row[] {
  return [...toStatedRows(protocol), ...toRefusalRows(), ...toTimeRows(protocol)]
}

function toStatedRows(protocol: Protocol): Row[] {
  const wire = WIRES[protocol]
  const begun = [...wire.opening({}), wire.piece(HALF, {})]
  const end = wire.closing({})
  const unavailable = { code: 'LLM_UNAVAILABLE' } as const
  const error = (what: object): WireEvent[] => [...begun, json(what), ...end]
  return [
    ['an error that may pass', [...begun, wire.error(true)], 'incomplete', HALF, 3, unavailable],
    ['an error that stays', [...begun, wire.error(false)], 'incomplete', HALF, 1, unavailable],
    [
      'an error that passes',
      wire.events({ pieces: PIECES }),
      'complete',
      TEXT,
      2,
      { first: [...begun, wire.error(true)] },
    ],
    [
      'an event named error, of words',
      [...begun, { event: 'error', data: WORDS }, ...end],
      'incomplete',
      HALF,
      3,
      unavailable,
    ],
    [
      'an event named error, of JSON',
      [...begun, json({ status: 400, detail: WORDS }, 'error'), ...end],
      'incomplete',
      HALF,
      1,
      unavailable,
    ],
    [
      'an error by its object, 500',
      error({ object: 'error', message: WORDS, code: 500 }),
      'incomplete',
      HALF,
      3,
      unavailable,
    ],
    [
      'an error by its object, 400',
      error({ object: 'error', message: WORDS, code: 400 }),
      'incomplete',
      HALF,
      1,
      unavailable,
    ],
    ['an error in a word', error({ error: WORDS }), 'incomplete', HALF, 3, unavailable],
    [
      'an error of a known code',
      error({ error: { code: 'context_length_exceeded', message: WORDS } }),
      'incomplete',
      HALF,
      1,
      { code: 'LLM_TOO_LONG' },
    ],
    [
      'an error with its status as a text',
      error({ error: { code: '429', message: WORDS } }),
      'incomplete',
      HALF,
      3,
      unavailable,
    ],
    [
      'an error before any text',
      [json({ error: { message: WORDS, code: 401 } })],
      'failed',
      '',
      1,
      unavailable,
    ],
    [
      'an error in place of a stream',
      sendJson({ error: { message: WORDS, type: 'invalid_request_error' } }),
      'failed',
      '',
      1,
      unavailable,
    ],
    [
      'an error in place of a stream that may pass',
      sendJson({ error: { message: WORDS, type: 'server_error' } }),
      'failed',
      '',
      3,
      unavailable,
    ],
  ]
}

function toRefusalRows(): Row[] {
  const unavailable = { code: 'LLM_UNAVAILABLE' } as const
  const toRow = (status: number, requests: number): Row => [
    `status ${status}`,
    refuse(status),
    'failed',
    '',
    requests,
    unavailable,
  ]
  return [
    ...[400, 401, 403, 404, 422].map((status) => toRow(status, 1)),
    ...[408, 425, 500, 502, 503, 529].map((status) => toRow(status, 3)),
    // The provider's own limit. A worker waits for it before it asks again; see llm-limit.test.ts.
    toRow(429, 1),
    ['status 413', refuse(413), 'failed', '', 1, { code: 'LLM_TOO_LONG' }],
    ['a redirect', refuse(307, { location: 'http://127.0.0.1:1/' }), 'failed', '', 1, unavailable],
    [
      'a pause that is too long',
      refuse(429, { 'retry-after': '3600' }),
      'failed',
      '',
      1,
      unavailable,
    ],
    ['a closed door', reset(), 'failed', '', 3, unavailable],
  ]
}

function toTimeRows(protocol: Protocol): Row[] {
  const wire = WIRES[protocol]
  const events = wire.events({ pieces: PIECES })
  const begun = [...wire.opening({}), wire.piece(HALF, {})]
  const timeouts = { firstTokenMs: 300, idleMs: 300, keptAliveMs: 5000 }
  const late = { code: 'LLM_TIMEOUT', timeouts } as const
  const soon = { code: 'LLM_TIMEOUT', timeouts: { ...timeouts, keptAliveMs: 350 } } as const
  const comment = ': processing\n\n'
  return [
    ['silence', hang(), 'failed', '', 1, late],
    ['silence after the headers', streamPieces([], { then: 'hang' }), 'failed', '', 1, late],
    [
      'silence in the middle',
      streamPieces([encodeEvents(begun)], { then: 'hang' }),
      'incomplete',
      HALF,
      1,
      late,
    ],
    [
      'comments before a late reply',
      keepAlive(comment, { forMs: 700, then: events }),
      'complete',
      TEXT,
      1,
      { timeouts },
    ],
    [
      'its own keep-alives before a late reply',
      keepAlive(wire.keepAlive, { forMs: 700, then: events }),
      'complete',
      TEXT,
      1,
      { timeouts },
    ],
    [
      'comments in the middle',
      keepAlive(comment, { before: begun, forMs: 700, then: events.slice(begun.length) }),
      'complete',
      TEXT,
      1,
      { timeouts },
    ],
    [
      'comments and no reply',
      keepAlive(comment, { forMs: 7000, then: events }),
      'failed',
      '',
      1,
      soon,
    ],
    [
      'comments and no next word',
      keepAlive(wire.keepAlive, { before: begun, forMs: 7000, then: [] }),
      'incomplete',
      HALF,
      1,
      soon,
    ],
  ]
}
