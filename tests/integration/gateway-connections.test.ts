import { connect as connectTcp } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { BusEvent } from '@chatbox/contract'
import type { GatewayOptions } from '@chatbox/gateway'
import {
  HandshakeError,
  openChatUser,
  type ChatUser,
  type ChatUserOptions,
} from '../support/chat-user.ts'
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts'
import {
  openTestBackend,
  replacing,
  startTestGateway,
  type TestBackend,
  type TestGateway,
  type TestPorts,
} from '../support/test-gateway.ts'
import { signToken, TEST_SECRET } from '../support/tokens.ts'
import { waitUntil } from '../support/wait-until.ts'

let backend: TestBackend
let gateway: TestGateway
const users: ChatUser[] = []
const sockets: RawSocket[] = []
const others: TestGateway[] = []

beforeAll(async () => {
  backend = await openTestBackend()
  gateway = await startTestGateway(backend.ports)
})

afterEach(async () => {
  for (const user of users.splice(0)) user.close()
  for (const socket of sockets.splice(0)) socket.end()
  await Promise.all(others.splice(0).map((other) => other.stop()))
})

afterAll(async () => {
  await gateway.stop()
  await backend.close()
})

async function connect(options: Partial<ChatUserOptions> = {}): Promise<ChatUser> {
  const user = await openChatUser({ url: gateway.url, ...options })
  users.push(user)
  return user
}

async function startOther(
  options: Partial<GatewayOptions>,
  ports: Partial<TestPorts> = {},
): Promise<TestGateway> {
  const other = await startTestGateway({ ...backend.ports, ...ports }, options)
  others.push(other)
  return other
}

async function refusalOf(options: Partial<ChatUserOptions>): Promise<string | undefined> {
  try {
    await connect(options)
    return 'accepted'
  } catch (error) {
    return error instanceof HandshakeError ? (error.info?.code ?? error.message) : String(error)
  }
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

describe('the handshake', () => {
  it('answers who came in, the models and the limits', async () => {
    const user = await connect({ userId: 'ann', name: 'Ann' })
    expect(user.ready).toMatchObject({
      protocol: 1,
      user: { id: 'ann', name: 'Ann', roles: ['user'] },
      models: [
        { id: 'demo', name: 'Demo' },
        { id: 'other', name: 'Other' },
      ],
      limits: {
        contentLength: 10_000,
        messageBytes: 65_536,
        historyPage: 200,
        reconnectTimeoutMs: 900_000,
      },
    })
  })

  it.each([
    ['none', async () => '', 'UNAUTHORIZED'],
    ['an expired one', () => signToken({ sub: 'u', exp: inSeconds(-60) }), 'TOKEN_EXPIRED'],
    ['one of another key', () => signToken({ sub: 'u' }, 'x'.repeat(40)), 'UNAUTHORIZED'],
    [
      'one of alg none',
      async () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"u","exp":9999999999}')}.`,
      'UNAUTHORIZED',
    ],
    ['one without exp', () => signToken({ sub: 'u', exp: undefined }), 'UNAUTHORIZED'],
  ])('refuses a token: %s', async (_what, makeToken, code) => {
    expect(await refusalOf({ token: await makeToken() })).toBe(code)
  })

  it('refuses a token of another issuer', async () => {
    const auth = { jwtSecret: TEST_SECRET, jwksUrl: undefined, issuer: 'me', audience: undefined }
    const strict = await startOther({ auth })
    expect(await refusalOf({ url: strict.url })).toBe('UNAUTHORIZED')
    const token = await signToken({ sub: 'u', iss: 'me' })
    expect(await refusalOf({ url: strict.url, token })).toBe('accepted')
  })

  it('takes no token from the address', async () => {
    const token = await signToken({ sub: 'u' })
    const raw = await openRawSocket({
      url: gateway.url,
      query: `EIO=4&transport=websocket&token=${token}`,
    })
    sockets.push(raw)
    raw.socket.send('40')
    expect(await raw.waitForFrame((frame) => frame.startsWith('44'))).toContain('UNAUTHORIZED')
  })

  it.each([
    [{ origin: 'https://evil.example' }, 'FORBIDDEN'],
    [{ origin: 'https://shop.example.evil.example' }, 'FORBIDDEN'],
    [{ origin: 'http://shop.example' }, 'FORBIDDEN'],
    [{ origin: 'https://shop.example:8443' }, 'FORBIDDEN'],
    [{ origin: 'https://SHOP.example' }, 'FORBIDDEN'],
    [{ origin: 'null' }, 'FORBIDDEN'],
    [{ origin: '' }, 'FORBIDDEN'],
  ])('refuses %j before there is a socket', async (headers, status) => {
    await waitUntil(() => gateway.connections() === 0)
    await expect(openRawSocket({ url: gateway.url, headers })).rejects.toThrow(status)
    expect(gateway.connections()).toBe(0)
  })

  it('takes an allowed origin, and a client that is no browser', async () => {
    expect(await refusalOf({ origin: 'https://shop.example' })).toBe('accepted')
    expect(await refusalOf({})).toBe('accepted')
  })

  it.each([
    ['EIO=3&transport=websocket', 'status 400'],
    ['transport=websocket', 'status 400'],
    ['EIO=4&transport=polling', 'status 400'],
    ['EIO=4&transport=webtransport', 'status 400'],
    ['EIO=4', 'status 400'],
    ['EIO=4&transport=websocket&sid=__proto__', 'status 400'],
  ])('refuses %s', async (query, status) => {
    await expect(openRawSocket({ url: gateway.url, query })).rejects.toThrow(status)
  })

  it('lets nobody come back to an open connection, with any origin', async () => {
    const raw = await openRawSocket({ url: gateway.url })
    sockets.push(raw)
    const hello = await raw.waitForFrame((frame) => frame.startsWith('0'))
    const { sid } = JSON.parse(hello.slice(1)) as { sid: string }
    const query = `EIO=4&transport=websocket&sid=${sid}`
    for (const origin of ['https://evil.example', 'https://shop.example']) {
      await expect(openRawSocket({ url: gateway.url, query, headers: { origin } })).rejects.toThrow(
        'status 400',
      )
    }
    const polled = await fetch(
      `${gateway.url}/chatbox/socket.io/?EIO=4&transport=polling&sid=${sid}`,
      {
        method: 'POST',
        body: '40',
      },
    )
    expect(polled.status).toBe(400)
  })

  it('has one try on each connection', async () => {
    const raw = await openRawSocket({ url: gateway.url })
    sockets.push(raw)
    raw.socket.send('40{"token":"nonsense"}')
    await raw.waitForFrame((frame) => frame.startsWith('44'))
    raw.socket.send(`40${JSON.stringify({ token: await signToken({ sub: 'u' }) })}`)
    await waitUntil(() => raw.frames.filter((frame) => frame.startsWith('44')).length === 2)
  })
})

describe('limits of connections', () => {
  it('holds for one user, over all gateways, and again once one has left', async () => {
    const pair = [
      await startOther({ maxConnectionsPerUser: 2 }),
      await startOther({ maxConnectionsPerUser: 2 }),
    ]
    const [one, two] = pair.map(({ url }) => ({ url, userId: 'many' }))
    if (!one || !two) throw new Error('no gateways')
    const first = await connect(one)
    await connect(two)
    expect(await refusalOf(two)).toBe('CONNECTION_LIMIT')
    expect(await refusalOf({ ...two, userId: 'somebody else' })).toBe('accepted')
    first.close()
    await waitUntil(async () => (await backend.ports.presence.count('many')) === 1)
    expect(await refusalOf(two)).toBe('accepted')
  })

  it('holds for one gateway', async () => {
    const small = await startOther({ maxConnections: 2 })
    await connect({ url: small.url })
    const second = await connect({ url: small.url })
    await expect(openRawSocket({ url: small.url })).rejects.toThrow('CONNECTION_LIMIT')
    second.close()
    await waitUntil(() => small.connections() === 1)
    expect(await refusalOf({ url: small.url })).toBe('accepted')
  })

  it('leaves no trace of a socket that is gone', async () => {
    const user = await connect({ userId: 'leaver' })
    await user.open()
    user.socket.io.engine.close()
    await waitUntil(async () => (await backend.ports.presence.count('leaver')) === 0)
    await waitUntil(() => gateway.connections() === 0)
  })
})

describe('the end of a token', () => {
  it('is announced, and disconnects where no other token came', async () => {
    const user = await connect({ token: await signToken({ sub: 'short', exp: inSeconds(2) }) })
    const { expiresAt } = await user.waitFor('token:expiring')
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now() - 1000)
    await user.waitFor('error', ({ code }) => code === 'TOKEN_EXPIRED')
    expect(await user.waitForClose()).toBe('io server disconnect')
  })

  it('is put off by a newer token of the same user, and by no other', async () => {
    const user = await connect({ token: await signToken({ sub: 'stays', exp: inSeconds(2) }) })
    const other = await signToken({ sub: 'another', exp: inSeconds(7200) })
    expect((await user.refusal('token:refresh', { token: other })).code).toBe('UNAUTHORIZED')
    const old = await signToken({ sub: 'stays', exp: inSeconds(-100) })
    expect((await user.refusal('token:refresh', { token: old })).code).toBe('TOKEN_EXPIRED')
    const exp = inSeconds(7200)
    const token = await signToken({ sub: 'stays', exp })
    expect(await user.emit('token:refresh', { token })).toEqual({
      expiresAt: new Date(exp * 1000).toISOString(),
    })
    const short = await connect({ token: await signToken({ sub: 'goes', exp: inSeconds(3) }) })
    await short.waitForClose()
    expect(user.closeReason()).toBeUndefined()
  })

  it('takes away what a role had opened', async () => {
    const owner = await connect()
    const { session } = await owner.open()
    const operator = await connect({ userId: 'was-operator', roles: ['chat_admin'] })
    await operator.open({ sessionId: session.id })
    const token = await signToken({ sub: 'was-operator' })
    await operator.emit('token:refresh', { token })
    await owner.send(session, 'not for you')
    expect((await operator.refusal('session:open', { sessionId: session.id })).code).toBe(
      'NOT_FOUND',
    )
    expect(operator.received.some(({ event }) => event === 'message:new')).toBe(false)
  })
})

describe('a client that does not read', () => {
  it('gets no more deltas, is closed at the limit, and hurts nobody', async () => {
    const dropped: number[] = []
    const closed: number[] = []
    const metrics = replacing(backend.ports.metrics, {
      deltaDropped: () => void dropped.push(1),
      slowReaderClosed: () => void closed.push(1),
    })
    const own = await startOther({}, { metrics })
    const reader = await connect({ url: own.url, userId: 'pair' })
    const { session } = await reader.open()
    const raw = await openRawSocket({ url: own.url })
    sockets.push(raw)
    await raw.login(await signToken({ sub: 'pair' }))
    raw.socket.send(`421${JSON.stringify(['session:open', { sessionId: session.id }])}`)
    await raw.waitForFrame((frame) => frame.startsWith('431'))
    raw.socket.pause()

    const text = 'x'.repeat(20_000)
    const publish = async (index: number) => {
      const delta = { sessionId: session.id, replyId: 'r', attempt: 1, index, text }
      await backend.ports.bus.publishDelta(delta, () => text)
      await reader.waitFor('reply:delta', (payload) => payload.index === index)
    }
    let index = 0
    while (dropped.length === 0 && index < 2000) await publish(index++)
    expect(dropped.length).toBeGreaterThan(0)
    expect(closed).toHaveLength(0)

    // What is no delta still goes out, until there is too much of it.
    const { store } = backend.ports
    const page = await store.append({ message: toMessage(session.id, text.repeat(5)) })
    const event: BusEvent = { event: 'message:new', payload: { message: page.message } }
    for (let sent = 0; closed.length === 0 && sent < 2000; sent++) {
      await backend.ports.bus.publish(session.id, event)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(closed).toHaveLength(1)
    await waitUntil(() => own.connections() === 1)
    expect(reader.closeReason()).toBeUndefined()
  })
})

function toMessage(sessionId: string, content: string) {
  return {
    id: 'long-message',
    sessionId,
    kind: 'text' as const,
    sender: { type: 'ai' as const, id: 'demo', name: 'Demo' },
    content,
    attachments: [],
    status: 'complete' as const,
    createdAt: new Date().toISOString(),
  }
}

describe('drain and stop', () => {
  it('tells each client when to come back, lets nobody in and closes all', async () => {
    const own = await startOther({})
    const guests = await Promise.all(Array.from({ length: 20 }, () => connect({ url: own.url })))
    const drained = own.drain({ deadlineMs: 5000 })
    expect(await refusalOf({ url: own.url })).not.toBe('accepted')
    const delays = await Promise.all(
      guests.map(async (guest) => (await guest.waitFor('server:draining')).reconnectAfterMs),
    )
    await drained
    expect(new Set(delays).size).toBeGreaterThan(5)
    expect(Math.max(...delays)).toBeLessThanOrEqual(5000)
    for (const guest of guests) expect(await guest.waitForClose()).toBe('io server disconnect')
    await waitUntil(() => own.connections() === 0)
  })

  it('finishes what it has begun before it stops, and stops once', async () => {
    let reached = () => undefined as void
    const inStore = new Promise<void>((resolve) => (reached = resolve))
    let release = () => undefined as void
    const held = new Promise<void>((resolve) => (release = resolve))
    const { store } = backend.ports
    const slow = replacing(store, {
      async append(entry) {
        reached()
        await held
        return await store.append(entry)
      },
    })
    const own = await startOther({}, { store: slow })
    const user = await connect({ url: own.url })
    const { session } = await user.open()
    const sent = user.send(session, 'just in time')
    await inStore
    const stopped = Promise.all([own.stop(), own.stop()])
    release()
    expect((await sent).content).toBe('just in time')
    await stopped
    expect(await user.waitForClose()).toBe('io server disconnect')
    expect((await store.readMessages(session.id, { limit: 1 })).messages).toHaveLength(1)
  })

  it('rejects where the port is taken', async () => {
    await expect(startTestGateway(backend.ports, { port: gateway.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })

  it('closes a connection that is slow with its request', async () => {
    const socket = connectTcp(gateway.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    socket.resume()
    await closed
  }, 15_000)
})
