import { randomBytes } from 'node:crypto'
import { messageSchema, type Message } from '@chatbox/contract'
import { initialState, type LogHead, type SessionState } from '@chatbox/core'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createKeyRing } from './key-ring.ts'
import { toMessage, toMessageRecord } from './message-record.ts'
import { sealOutcome, toCommittedReply } from './reply-record.ts'
import {
  parseCursor,
  toCursor,
  toOrigin,
  toOriginRecord,
  toStateRecord,
  toHead,
} from './session-record.ts'

const refused: string[] = []
const deps = {
  cipher: createKeyRing([{ id: 'k1', key: new Uint8Array(randomBytes(32)) }]),
  hooks: { onError: () => undefined, onPayloadRefused: (source: string) => refused.push(source) },
}

const id = fc.stringMatching(/^[\w.~-]{1,64}$/u)
const words = (maxLength: number) => fc.string({ unit: 'binary', maxLength })
const time = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())
const count = fc.nat(1_000_000)
const usage = fc.record({ promptTokens: count, completionTokens: count, totalTokens: count })
const person = fc.record({ id: id, name: words(100) })
const message: fc.Arbitrary<Message> = fc.record(
  {
    id,
    sessionId: id,
    seq: fc.integer({ min: 1, max: 1_000_000 }),
    clientMessageId: id,
    kind: fc.constantFrom('text', 'file', 'voice', 'event'),
    sender: fc.record({
      type: fc.constantFrom('user', 'ai', 'admin', 'system'),
      id,
      name: words(100),
    }),
    content: words(500),
    attachments: fc.array(
      fc.record({
        id,
        name: words(255).filter(Boolean),
        mediaType: fc.string({ maxLength: 100 }),
        bytes: count,
        url: fc.string(),
      }),
      { maxLength: 3 },
    ),
    replyTo: id,
    status: fc.constantFrom('complete', 'stopped', 'incomplete', 'failed'),
    error: fc.record({
      code: fc.constantFrom('INTERNAL', 'LLM_TIMEOUT'),
      message: words(300),
      retryable: fc.boolean(),
    }),
    event: fc.oneof(
      fc.record({ type: fc.constant('help_requested'), note: words(1000) }),
      fc.record({ type: fc.constant('takeover_started'), by: person }),
    ),
    modelId: id,
    usage,
    createdAt: time,
  },
  {
    requiredKeys: [
      'id',
      'sessionId',
      'seq',
      'kind',
      'sender',
      'content',
      'attachments',
      'status',
      'createdAt',
    ],
  },
)
const state: fc.Arbitrary<SessionState> = fc.record({
  status: fc.constantFrom('active', 'ended'),
  name: words(60),
  modelId: id,
  lastActivityAt: time,
  endedAt: fc.option(time),
  messageCount: count,
  help: fc.option(fc.record({ requestedAt: time, note: words(1000) })),
  assistedBy: fc.option(fc.record({ id, name: words(100), since: time })),
  adminAssisted: fc.boolean(),
  usage,
  responses: fc.record({ count, totalMs: count, maxMs: count }),
  unanswered: count,
})
const head: fc.Arbitrary<LogHead> = fc.record({ seq: count, state })

/** As a store gives it back. */
const stored = <T>(record: T): T => JSON.parse(JSON.stringify(record)) as T

describe('a message record', () => {
  it('gives every message back as it was', () => {
    fc.assert(
      fc.property(message, (one) => {
        fc.pre(messageSchema.safeParse(one).success)
        expect(toMessage(deps, stored(toMessageRecord(deps, one)))).toEqual(one)
      }),
    )
  })

  it('never gives the text of one message out as another', () => {
    fc.assert(
      fc.property(message, message, (a, b) => {
        fc.pre(a.id !== b.id || a.sessionId !== b.sessionId)
        fc.pre(messageSchema.safeParse(a).success && messageSchema.safeParse(b).success)
        const swapped = { ...toMessageRecord(deps, a), sealed: toMessageRecord(deps, b).sealed }
        expect(toMessage(deps, swapped)).toMatchObject({
          id: a.id,
          sessionId: a.sessionId,
          seq: a.seq,
          content: '',
          attachments: [],
          status: 'failed',
          error: { code: 'INTERNAL', message: 'This message cannot be read.' },
        })
        expect(refused.pop()).toBe('message')
      }),
    )
  })

  it.each(['id', 'sessionId'] as const)('does not open under another %s', (field) => {
    const [one] = fc.sample(message, 1)
    if (!one) throw new Error('there is no message')
    const moved = { ...toMessageRecord(deps, one), [field]: 'another' }
    expect(toMessage(deps, moved).status).toBe('failed')
    expect(refused.pop()).toBe('message')
  })

  it('does not move to another place of its log', () => {
    fc.assert(
      fc.property(message, (one) => {
        const moved = { ...toMessageRecord(deps, one), seq: one.seq + 1 }
        expect(toMessage(deps, moved).status).toBe('failed')
      }),
      { numRuns: 20 },
    )
  })

  it('becomes an entry that every client can read, whatever is stored', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (head, sealed) => {
        const entry = toMessage(deps, { id: 'm', sessionId: 's', seq: 1, head, sealed })
        expect(() => messageSchema.parse(entry)).not.toThrow()
      }),
    )
  })
})

describe('a state record', () => {
  it('gives every state back as it was, and keeps its texts sealed', () => {
    fc.assert(
      fc.property(head, (one) => {
        const record = stored(toStateRecord(deps, 'session', one))
        expect(toHead(deps, 'session', record)).toEqual(one)
        expect(record.state).toMatchObject({ name: '' })
        expect(record.state.help?.note ?? '').toBe('')
        expect(record.state.assistedBy?.name ?? '').toBe('')
      }),
    )
  })

  it('loses its texts alone in the place of another', () => {
    fc.assert(
      fc.property(head, (one) => {
        const other = toHead(deps, 'other', toStateRecord(deps, 'session', one))
        const { status, messageCount } = one.state
        expect(other.state).toMatchObject({ status, messageCount, name: '' })
        const record = toStateRecord(deps, 'session', one)
        expect(toHead(deps, 'session', { ...record, seq: one.seq + 1 }).state.name).toBe('')
      }),
    )
  })

  it('is refused where it is none', () => {
    const record = toStateRecord(deps, 's', {
      seq: 1,
      state: initialState('demo', '2026-01-01T00:00:00Z'),
    })
    for (const broken of [
      { seq: -1 },
      { seq: '1' },
      { state: null },
      { state: { status: 'new' } },
    ]) {
      expect(() => toHead(deps, 's', { ...record, ...broken })).toThrow(
        'This session cannot be read.',
      )
    }
  })
})

describe('the record of a session’s origin', () => {
  it('is refused where it is none', () => {
    const origin = { id: 's', userId: 'user', userName: 'Ada', startedAt: '2026-01-01T00:00:00Z' }
    const record = toOriginRecord(deps, origin)
    for (const broken of [undefined, { ...record, userId: 1 }, { ...record, sealed: 7 }]) {
      expect(() => toOrigin(deps, 's', broken)).toThrow('This session cannot be read.')
    }
  })

  it('gives it back as it was, without the name of another', () => {
    fc.assert(
      fc.property(fc.tuple(id, id, words(100), time), ([a, b, userName, startedAt]) => {
        fc.pre(a !== b)
        const origin = { id: a, userId: 'user', userName, startedAt }
        const record = toOriginRecord(deps, origin)
        expect(toOrigin(deps, a, record)).toEqual(origin)
        expect(toOrigin(deps, b, record).userName).toBe('')
      }),
    )
  })
})

describe('an outcome', () => {
  it('opens at its own epoch only', () => {
    const reply = {
      sessionId: 's',
      messageId: 'm',
      questionSeq: 1,
      replyId: 'r',
      modelId: 'demo',
      state: 'committed',
      epoch: 2,
      attempts: 1,
      stopRequested: false,
      askedAt: '2026-01-01T00:00:00.000Z',
    } as const
    const outcome = {
      status: 'complete',
      content: 'text',
      modelId: 'demo',
      finishedAt: reply.askedAt,
    } as const
    const sealed = sealOutcome(deps, reply, outcome)
    expect(toCommittedReply(deps, reply, sealed).outcome).toEqual(outcome)
    expect(toCommittedReply(deps, { ...reply, epoch: 3 }, sealed).outcome).toMatchObject({
      status: 'failed',
      content: '',
    })
  })
})

describe('a cursor', () => {
  it('leads back to where it came from', () => {
    fc.assert(
      fc.property(time, id, (lastActivityAt, sessionId) => {
        const cursor = toCursor({ lastActivityAt, id: sessionId })
        expect(cursor.length).toBeLessThanOrEqual(256)
        expect(parseCursor(cursor)).toEqual({ lastActivityAt, id: sessionId })
      }),
    )
  })

  it('is refused where it was not issued', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (cursor) => {
        expect(() => parseCursor(cursor)).toThrow(
          expect.objectContaining({ code: 'INVALID_FORMAT' }),
        )
      }),
    )
  })
})
