import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { CLIENT_EVENTS, errorInfoSchema, type Session } from '@chatbox/contract'
import type { GatewayOptions } from '@chatbox/gateway'
import fc from 'fast-check'
import { openChatUser, type ChatUser, type ChatUserOptions } from '../support/chat-user.ts'
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts'
import {
  openTestBackend,
  replacing,
  startTestGateway,
  type TestBackend,
  type TestGateway,
  type TestPorts,
} from '../support/test-gateway.ts'
import { signToken } from '../support/tokens.ts'

let backend: TestBackend
let gateway: TestGateway
let user: ChatUser
let session: Session
const sockets: RawSocket[] = []
const guests: ChatUser[] = []
const others: TestGateway[] = []

beforeAll(async () => {
  backend = await openTestBackend()
  gateway = await startTestGateway(backend.ports, { rateLimit: 1_000_000 })
  user = await openChatUser({ url: gateway.url })
  session = (await user.open()).session
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.end()
  for (const guest of guests.splice(0)) guest.close()
  await Promise.all(others.splice(0).map((other) => other.stop()))
})

afterAll(async () => {
  user.close()
  await gateway.stop()
  await backend.close()
})

async function connectRaw(): Promise<RawSocket> {
  const socket = await openRawSocket({ url: gateway.url })
  sockets.push(socket)
  return socket
}

async function startOther(
  ports: Partial<TestPorts>,
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const other = await startTestGateway({ ...backend.ports, ...ports }, options)
  others.push(other)
  return other
}

async function connect(options: ChatUserOptions): Promise<ChatUser> {
  const guest = await openChatUser(options)
  guests.push(guest)
  return guest
}

async function loginRaw(): Promise<RawSocket> {
  const socket = await connectRaw()
  await socket.login(await signToken({ sub: 'raw' }))
  return socket
}

/** The witness: whatever was done to others, this socket is still there and its log is as it was. */
async function expectUntouched(lastSeq = 0): Promise<void> {
  expect(user.closeReason()).toBeUndefined()
  expect((await user.open({ sessionId: session.id })).session.lastSeq).toBe(lastSeq)
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
    ['nothing', [{}], 'no such event'],
    ['', [{}], 'no such event'],
    ['__proto__', [{}], 'no such event'],
    ['constructor', [{}], 'no such event'],
    ['toString', [], 'no such event'],
    ['error', [{}], 'no such event'],
    ['connection', [{}], 'no such event'],
  ]

  it.each(cases)('%s %j: one INVALID_FORMAT that names %s', async (event, args, field) => {
    const error = await user.refusal(event, ...args)
    expect(errorInfoSchema.parse(error)).toMatchObject({ code: 'INVALID_FORMAT', retryable: false })
    expect(error.message).toContain(field)
    await expectUntouched()
  })

  it('refuses what only raw JSON can say', async () => {
    const socket = await loginRaw()
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

describe('frames that are no events', () => {
  it.each([
    [
      'a frame over the limit',
      (raw: RawSocket) => raw.socket.send(`42["typing","${'x'.repeat(70_000)}"]`),
      1009,
    ],
    ['a binary frame', (raw: RawSocket) => raw.socket.send(randomBytes(100)), 1005],
    [
      'a binary attachment',
      (raw: RawSocket) => raw.socket.send('451-["typing",{"_placeholder":true,"num":0}]'),
      1005,
    ],
    ['many attachments', (raw: RawSocket) => raw.socket.send('45999999-["typing"]'), 1005],
    ['binary in base64', (raw: RawSocket) => raw.socket.send('bAAAA'), 1005],
    ['an unknown packet', (raw: RawSocket) => raw.socket.send('49[]'), 1005],
    ['an unknown engine packet', (raw: RawSocket) => raw.socket.send('9'), 1005],
    ['an empty frame', (raw: RawSocket) => raw.socket.send(''), 1005],
    ['cut JSON', (raw: RawSocket) => raw.socket.send('42["typing",{'), 1005],
    ['an event that is no list', (raw: RawSocket) => raw.socket.send('42{"0":"typing"}'), 1005],
    ['an event named as an object', (raw: RawSocket) => raw.socket.send('42[{}]'), 1005],
    ['a reserved event', (raw: RawSocket) => raw.socket.send('42["disconnect"]'), 1005],
    ['a second handshake', (raw: RawSocket) => raw.socket.send('40{}'), 1005],
    ['65 fragments', (raw: RawSocket) => sendFragments(raw, 65), 1008],
    [
      'text that is not UTF-8',
      (raw: RawSocket) => raw.socket.send(Buffer.from([0x34, 0xff, 0xfe]), { binary: false }),
      1007,
    ],
  ])('%s: that socket is closed, no other is touched', async (_what, act, code) => {
    const raw = await loginRaw()
    act(raw)
    expect(await raw.closed).toBe(code)
    await expectUntouched()
  })

  it('says why, where the client can be told', async () => {
    const raw = await loginRaw()
    raw.socket.send('42["typing",{')
    expect(await raw.waitForFrame((frame) => frame.startsWith('42["error"'))).toContain(
      'INVALID_FORMAT',
    )
    await raw.closed
  })

  it.each(['', '4', '40', '49', '42["typing"]', '5', randomBytes(50)])(
    'before the handshake %j leads to nothing but its own end',
    async (frame) => {
      const raw = await connectRaw()
      raw.socket.send(frame)
      raw.end()
      await raw.closed
      await expectUntouched()
    },
  )

  it('serves a message in 64 fragments', async () => {
    const raw = await loginRaw()
    sendFragments(raw, 64)
    await raw.waitForFrame((frame) => frame.startsWith('431'))
  })

  it('outlives a hundred sockets of noise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ maxLength: 30 }), { maxLength: 5 }), async (texts) => {
        const raw = await connectRaw()
        for (const text of texts) raw.socket.send(`4${text}`)
        raw.end()
        await raw.closed
      }),
      { numRuns: 100 },
    )
    await expectUntouched()
  })
})

/** `421["typing"]` in that many pieces. */
function sendFragments(raw: RawSocket, count: number): void {
  const text = `421["typing"${' '.repeat(count)}]`
  for (let index = 0; index < count; index++) {
    const isLast = index === count - 1
    raw.socket.send(isLast ? text.slice(index) : (text[index] ?? ''), { fin: isLast })
  }
}

describe('too many events', () => {
  it('are refused with a time to wait, on every gateway together', async () => {
    const pair = [await startOther({}, { rateLimit: 3 }), await startOther({}, { rateLimit: 3 })]
    const users = await Promise.all(pair.map(({ url }) => connect({ url, userId: 'eager' })))
    const [one, two] = users
    if (!one || !two) throw new Error('nobody is connected')
    const mine = (await one.open()).session
    await one.send(mine, 'one')
    await two.send(mine, 'two')
    await one.send(mine, 'three')
    const message = { sessionId: mine.id, clientMessageId: 'c4', content: 'four' }
    const error = await two.refusal('message:send', message)
    expect(error).toMatchObject({ code: 'TOO_MANY_REQUESTS', retryable: true })
    expect(error.retryAfterMs).toBeGreaterThan(0)
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000)
    // Other things cost other points, and unknown events cost too.
    expect((await one.open()).session.lastSeq).toBe(3)
    const acks = await Promise.all(Array.from({ length: 40 }, () => one.emitRaw('unknown', {})))
    const codes = acks.map((ack) => (ack.ok ? 'ok' : ack.error.code))
    expect(new Set(codes)).toEqual(new Set(['INVALID_FORMAT', 'TOO_MANY_REQUESTS']))
  })

  it('at the same time on one socket are refused before they reach anything', async () => {
    let release = () => undefined as void
    const held = new Promise<void>((resolve) => (release = resolve))
    const { store } = backend.ports
    const findSession = (id: string) => held.then(() => store.findSession(id))
    const slow = replacing(store, { findSession })
    const own = await startOther({ store: slow })
    const eager = await connect({ url: own.url })
    const asked = Array.from({ length: 100 }, () =>
      eager.emitRaw('session:open', { sessionId: 'x' }),
    )
    const first = await Promise.race(asked)
    expect(first).toMatchObject({ ok: false, error: { code: 'TOO_MANY_REQUESTS' } })
    release()
    const codes = (await Promise.all(asked)).map((ack) => (ack.ok ? 'ok' : ack.error.code))
    expect(codes.filter((code) => code === 'NOT_FOUND')).toHaveLength(64)
    expect(codes.filter((code) => code === 'TOO_MANY_REQUESTS')).toHaveLength(36)
  })
})

describe('a fault of our own', () => {
  it('is one INTERNAL that says nothing, and the next event is served', async () => {
    const { store } = backend.ports
    const findActiveSession = () => {
      throw new TypeError('secret detail')
    }
    const broken = replacing(store, { findActiveSession })
    const own = await startOther({ store: broken })
    const one = await connect({ url: own.url })
    const error = await one.refusal('session:open', {})
    expect(error).toMatchObject({ code: 'INTERNAL', message: 'Something went wrong on our side.' })
    expect(error.requestId).toMatch(/^[\w-]{22}$/)
    expect((await one.refusal('session:open', { sessionId: 'x' })).code).toBe('NOT_FOUND')
  })
})
