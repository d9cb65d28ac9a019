import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CLIENT_EVENTS, type ClientEvent } from './client-events.ts'
import { LIMITS } from '../fields.ts'

/** The fullest payload that each event takes. */
const FULL: Record<ClientEvent, Record<string, unknown>> = {
  'session:open': { sessionId: 's-1', afterSeq: 0, limit: LIMITS.historyPage },
  'session:create': { modelId: 'demo' },
  'session:end': { sessionId: 's-1' },
  'session:history': { sessionId: 's-1', beforeSeq: 1, limit: 1 },
  'message:send': {
    sessionId: 's-1',
    clientMessageId: 'c-1',
    content: 'Hello',
    attachments: Array.from({ length: LIMITS.attachments }, (_, index) => `f-${index}`),
  },
  'message:read': { sessionId: 's-1', seq: 3 },
  'reply:stop': { sessionId: 's-1', replyId: 'r-1' },
  'reply:retry': { sessionId: 's-1', messageId: 'm-1' },
  typing: { sessionId: 's-1', typing: true },
  'model:select': { sessionId: 's-1', modelId: 'demo' },
  'help:request': { sessionId: 's-1', note: 'Please' },
  'help:cancel': { sessionId: 's-1' },
  'takeover:start': { sessionId: 's-1', from: 'olga' },
  'takeover:end': { sessionId: 's-1' },
  'inbox:subscribe': { cursor: '2026-01-01T00:00:00.000Z' },
  'inbox:list': {
    ...{ view: 'help', tag: 'vip', priority: 'high', text: 'Ann' },
    ...{ after: 'x', limit: LIMITS.historyPage },
  },
  'inbox:read': { sessionId: 's-1', seq: 3 },
  'desk:open': { sessionId: 's-1', afterSeq: 0, limit: LIMITS.historyPage },
  'desk:append': { sessionId: 's-1', clientEntryId: 'e-1', action: { type: 'assigned', to: null } },
  'desk:draft': { sessionId: 's-1', text: 'Hello' },
  'token:refresh': { token: 'a.b.c' },
}
const OPTIONAL = new Set([
  'afterSeq',
  'limit',
  'attachments',
  'modelId@session:create',
  'note',
  'from',
  'cursor',
  'tag',
  'priority',
  'text@inbox:list',
  'after',
])
const isOptional = (event: string, field: string): boolean =>
  OPTIONAL.has(field) || OPTIONAL.has(`${field}@${event}`) || event === 'session:open'

const accepts = (event: ClientEvent, payload: unknown): boolean =>
  CLIENT_EVENTS[event].payload.safeParse(payload).success

const events = Object.keys(FULL) as ClientEvent[]

describe.each(events)('the payload of %s', (event) => {
  const full = FULL[event]

  it('is taken when it is full', () => {
    expect(accepts(event, full)).toBe(true)
  })

  it('is refused with a field that nobody knows', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        fc.pre(!Object.hasOwn(full, name) && name !== '__proto__')
        expect(accepts(event, { ...full, [name]: 1 })).toBe(false)
      }),
      { numRuns: 30 },
    )
  })

  it.each(Object.keys(full))('is refused with a wrong %s', (field) => {
    const wrongs = [null, {}, Number.NaN, -1, 1.5, Symbol.iterator]
    // An empty text deletes a draft.
    for (const wrong of event === 'desk:draft' ? wrongs : [...wrongs, '']) {
      expect(accepts(event, { ...full, [field]: wrong })).toBe(false)
    }
  })

  it.each(Object.keys(full))('may lack %s only where that is allowed', (field) => {
    const { [field]: _left, ...rest } = full
    expect(accepts(event, rest)).toBe(isOptional(event, field))
  })

  it('is refused when it is no object', () => {
    for (const wrong of [undefined, null, 'text', 1, true, [full], () => full]) {
      expect(accepts(event, wrong)).toBe(false)
    }
  })
})

describe('bounds', () => {
  it.each([
    ['session:open', { limit: LIMITS.historyPage + 1 }],
    ['session:history', { limit: LIMITS.historyPage + 1 }],
    ['session:history', { limit: 0 }],
    ['session:history', { beforeSeq: 0 }],
    ['message:send', { content: 'a'.repeat(LIMITS.contentLength + 1) }],
    ['message:send', { content: 'half of an emoji: \uD83D' }],
    ['message:send', { clientMessageId: 'a'.repeat(LIMITS.idLength + 1) }],
    ['message:send', { attachments: Array<string>(LIMITS.attachments + 1).fill('f') }],
    ['token:refresh', { token: 'a'.repeat(LIMITS.tokenLength + 1) }],
  ] as const)('%s refuses what is beyond: %j', (event, change) => {
    expect(accepts(event, { ...FULL[event], ...change })).toBe(false)
  })
})
