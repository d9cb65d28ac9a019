import { describe, expect, it } from '@jest/globals'
import { deskRoom, EMPTY_DESK, SERVER_EVENTS, sessionRoom, userRoom } from '@chatbox/contract'
import fc from 'fast-check'
import { parseBroadcast } from './live-events.ts'

const RECEIPT = { sessionId: 'one', reader: { type: 'user', id: 'ada' }, seq: 3 }
const TYPING = { sessionId: 'one', from: { type: 'admin', id: 'ada', name: '' }, typing: false }

function toText(event: string, payload: unknown, options: object = {}): string {
  const packet = { type: 2, data: [event, payload], nsp: '/' }
  return JSON.stringify([
    'another',
    packet,
    { rooms: [sessionRoom('one')], except: [], flags: {}, ...options },
  ])
}

function payloadOf(text: string): unknown {
  const parsed = parseBroadcast(text)
  return typeof parsed === 'object' ? parsed[1].data[1] : parsed
}

describe('parseBroadcast', () => {
  it.each(['message:receipt', 'typing'] as const)('reads a %s as its schema does', (event) => {
    const field = fc.constantFrom('sessionId', 'reader', 'from', 'seq', 'typing', 'type', 'id', 'x')
    const value = fc.oneof(
      fc.constantFrom<unknown>('user', 'later', 3, true, null, {}, [], RECEIPT.reader, TYPING.from),
      fc.constant(undefined),
    )
    const whole = event === 'typing' ? TYPING : RECEIPT
    const changes = fc.dictionary(field, value, { maxKeys: 3, noNullPrototype: true })
    fc.assert(
      fc.property(changes, changes, (outer, inner) => {
        const who = event === 'typing' ? 'from' : 'reader'
        const nested = event === 'typing' ? TYPING.from : RECEIPT.reader
        const payload = { ...whole, [who]: { ...nested, ...inner }, ...outer, sessionId: 'one' }
        const read = payloadOf(toText(event, payload))
        const schema = SERVER_EVENTS[event].safeParse(JSON.parse(JSON.stringify(payload)))
        expect(read).toEqual(schema.data)
      }),
      { numRuns: 500 },
    )
  })

  it('reads the value of a later version as this version knows it, and not its fields', () => {
    const reader = { type: 'robot', id: 'ada' }
    expect(payloadOf(toText('message:receipt', { ...RECEIPT, reader }))).toEqual({
      ...RECEIPT,
      reader: { type: 'admin', id: 'ada' },
    })
    const more = { ...RECEIPT, reader: { ...RECEIPT.reader, more: 1 }, more: 1 }
    expect(payloadOf(toText('message:receipt', more))).toEqual(RECEIPT)
  })

  it.each([
    ['of a field that every object has', { payload: { ...RECEIPT, seq: undefined, toString: 1 } }],
    ['of another session', { payload: { ...RECEIPT, sessionId: 'two' } }],
    ['to nobody in particular', { rooms: [] }],
    ['to another session', { rooms: [sessionRoom('two')] }],
    ['to a room that has no name', { rooms: [7] }],
    ['to too many', { rooms: Array.from({ length: 11 }, () => sessionRoom('one')) }],
    ['to all but too many', { except: Array.from({ length: 11 }, () => 'socket') }],
    ['to all but nothing known', { except: undefined }],
    ['without flags', { flags: null }],
  ])('refuses a receipt %s', (_, { payload = RECEIPT, ...options }: Record<string, unknown>) => {
    expect(parseBroadcast(toText('message:receipt', payload, options))).toBeUndefined()
  })

  it('lets an entry of a desk into the room of that desk alone', () => {
    const entry = {
      ...{ id: 'entry', sessionId: 'one', seq: 1, by: { id: 'olga', name: 'Olga' } },
      ...{ at: '2026-01-01T00:00:00.000Z', action: { type: 'draft_used', outcome: 'as_is' } },
    }
    const news = { entry, desk: { ...EMPTY_DESK, seq: 1 } }
    const read = (...rooms: string[]) => payloadOf(toText('desk:new', news, { rooms }))
    expect(read(deskRoom('one'))).toEqual(news)
    for (const room of [deskRoom('two'), sessionRoom('one'), userRoom('ann')]) {
      expect(read(room)).toBeUndefined()
      expect(read(deskRoom('one'), room)).toBeUndefined()
    }
  })

  it('takes over only the flags of our gateways', () => {
    const flags = {
      volatile: true,
      broadcast: true,
      local: true,
      timeout: 1,
      expectSingleResponse: 1,
    }
    const parsed = parseBroadcast(toText('message:receipt', RECEIPT, { flags }))
    expect(parsed).toHaveProperty(['2', 'flags'], { volatile: true, broadcast: true })
  })
})
