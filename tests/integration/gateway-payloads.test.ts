import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { CLIENT_EVENTS, errorInfoSchema, type Session } from '@chatbox/contract'
import fc from 'fast-check'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway({ limits: { rateLimit: 1_000_000 } })

let user: ChatUser
let session: Session

beforeAll(async () => {
  user = await openChatUser({ url: h.gateway.url })
  session = (await user.open()).session
})

afterAll(() => {
  user.close()
})

/** Whatever was done to others: this socket is still there, and its log is as it was. */
async function expectUntouched(): Promise<void> {
  expect(user.closeReason()).toBeUndefined()
  expect((await user.open({ sessionId: session.id })).session.lastSeq).toBe(0)
}

describe('a payload that the contract refuses', () => {
  const send = { sessionId: 's', clientMessageId: 'c', content: 'x' }
  const long = 'x'.repeat(65)
  const cases: [event: string, args: unknown[], field: string][] = [
    ['session:open', [], 'payload'],
    ['session:open', [null], 'payload'],
    ['session:open', ['text'], 'payload'],
    ['session:open', [[]], 'payload'],
    ['session:open', [{ extra: 1 }], 'extra'],
    ['session:open', [{ sessionId: 7 }], 'sessionId'],
    ['session:open', [{ sessionId: { $ne: null } }], 'sessionId'],
    ['session:open', [{ sessionId: '' }], 'sessionId'],
    ['session:open', [{ sessionId: long }], 'sessionId'],
    ['session:open', [{ afterSeq: -1 }], 'afterSeq'],
    ['session:open', [{ afterSeq: 1.5 }], 'afterSeq'],
    ['session:open', [{ afterSeq: 1e308 }], 'afterSeq'],
    ['session:open', [{ afterSeq: '1' }], 'afterSeq'],
    ['session:open', [{ limit: 0 }], 'limit'],
    ['session:open', [{ limit: 201 }], 'limit'],
    ['session:open', [{}, {}], 'one payload'],
    ['session:create', [{ modelId: 'a b' }], 'modelId'],
    ['session:end', [{}], 'sessionId'],
    ['session:history', [{ sessionId: 's' }], 'beforeSeq'],
    ['session:history', [{ sessionId: 's', beforeSeq: 0 }], 'beforeSeq'],
    ['message:send', [{ ...send, content: '' }], 'content'],
    ['message:send', [{ ...send, content: '  \n ' }], 'content'],
    ['message:send', [{ ...send, content: 'x'.repeat(10_001) }], 'content'],
    ['message:send', [{ ...send, content: 'half \ud800' }], 'content'],
    ['message:send', [{ ...send, content: undefined }], 'content'],
    ['message:send', [{ ...send, clientMessageId: 'a:b' }], 'clientMessageId'],
    ['message:send', [{ ...send, attachments: Array(11).fill('f') }], 'attachments'],
    ['message:send', [{ ...send, attachments: [{}] }], 'attachments.0'],
    ['message:send', [{ ...send, role: 'system' }], 'role'],
    ['message:read', [{ sessionId: 's' }], 'seq'],
    ['reply:stop', [{ sessionId: 's' }], 'replyId'],
    ['reply:retry', [{ sessionId: 's' }], 'messageId'],
    ['typing', [{ sessionId: 's', typing: 'yes' }], 'typing'],
    ['model:select', [{ sessionId: 's', modelId: null }], 'modelId'],
    ['token:refresh', [{ token: 'x'.repeat(9000) }], 'token'],
    ['token:refresh', [{}], 'token'],
    ['nothing', [{}], 'Unknown event'],
    ['', [{}], 'Unknown event'],
    ['__proto__', [{}], 'Unknown event'],
    ['constructor', [{}], 'Unknown event'],
    ['toString', [], 'Unknown event'],
    ['error', [{}], 'Unknown event'],
    ['connection', [{}], 'Unknown event'],
  ]

  it.each(cases)('%s %j: one INVALID_FORMAT that names %s', async (event, args, field) => {
    const error = await user.refusal(event, ...args)
    expect(errorInfoSchema.parse(error)).toMatchObject({ code: 'INVALID_FORMAT', retryable: false })
    expect(error.message).toContain(field)
    await expectUntouched()
  })

  it('refuses what only raw JSON can say', async () => {
    const socket = await h.loginRaw()
    socket.socket.send(`4217["session:open",{"__proto__":{"sessionId":"x"}}]`)
    socket.socket.send(`4218["session:open",{"afterSeq":1e999}]`)
    socket.socket.send(`4219["session:open",${'['.repeat(20_000)}${']'.repeat(20_000)}]`)
    socket.socket.send(`4220["message:send",{"content":"\\u0000"}]`)
    for (const id of [17, 18, 19, 20]) {
      const frame = await socket.waitForFrame((one) => one.startsWith(`43${id}`))
      expect(frame).toContain('"INVALID_FORMAT"')
    }
  })

  it('reports the error of an event without acknowledgement once, as an event', async () => {
    const before = user.received.filter(({ event }) => event === 'error').length
    user.socket.emit('session:end', { nonsense: true })
    user.socket.emit('no:such:event')
    user.socket.emit('error', new Error('made up by the client'))
    await user.waitFor(
      'error',
      ({ message }) => message.includes('sessionId') || message.includes('nonsense'),
    )
    await user.open()
    const errors = user.received.filter(({ event }) => event === 'error').slice(before)
    expect(errors.map(({ payload }) => (payload as { code: string }).code)).toEqual([
      'INVALID_FORMAT',
      'INVALID_FORMAT',
      'INVALID_FORMAT',
    ])
  })

  it('answers any payload at all exactly once, and changes nothing', async () => {
    const events = [
      ...Object.keys(CLIENT_EVENTS),
      'unknown',
      '__proto__',
      'error',
      'hasOwnProperty',
    ]
    const ids = fc.constantFrom(session.id, 'unknown', '', 7, null, '__proto__')
    const payload = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.record(
        {
          sessionId: ids,
          limit: fc.integer(),
          afterSeq: fc.double(),
          seq: fc.integer({ min: 1 }),
          token: fc.string(),
        },
        { requiredKeys: [] },
      ),
    )
    // What is right by chance may be answered; only these few change anything.
    const changing = ['session:create', 'session:end', 'message:send', 'model:select']
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...events),
        fc.array(payload, { maxLength: 3 }),
        async (event, args) => {
          fc.pre(
            !(
              changing.includes(event) &&
              CLIENT_EVENTS[event as 'session:end'].payload.safeParse(args[0]).success
            ),
          )
          let answers = 0
          await new Promise<void>((resolve) => {
            user.socket.emit(event, ...args, () => {
              answers++
              resolve()
            })
          })
          await expectUntouched()
          expect(answers).toBe(1)
        },
      ),
      { numRuns: 300 },
    )
  })
})
