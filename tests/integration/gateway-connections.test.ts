import { IncomingMessage } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { queryObjects } from 'node:v8'
import { describe, expect, it } from '@jest/globals'
import { LIMITS, type BusEvent } from '@chatbox/contract'
import { override } from '../environment/override.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'

const h = useGateway()
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

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

describe('the end of a token', () => {
  it('is announced, and disconnects where no other token came', async () => {
    const user = await h.connect({ token: await signToken({ sub: 'short', exp: inSeconds(2) }) })
    const { expiresAt } = await user.waitFor('token:expiring')
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now() - 1000)
    await user.waitFor('error', ({ code }) => code === 'TOKEN_EXPIRED')
    expect(await user.waitForClose()).toBe('io server disconnect')
  })

  it('is put off by a newer token of the same user, and by no other', async () => {
    const user = await h.connect({ token: await signToken({ sub: 'stays', exp: inSeconds(2) }) })
    const other = await signToken({ sub: 'another', exp: inSeconds(7200) })
    expect((await user.refusal('token:refresh', { token: other })).code).toBe('UNAUTHORIZED')
    const old = await signToken({ sub: 'stays', exp: inSeconds(-100) })
    expect((await user.refusal('token:refresh', { token: old })).code).toBe('TOKEN_EXPIRED')
    const exp = inSeconds(7200)
    const token = await signToken({ sub: 'stays', exp })
    expect(await user.emit('token:refresh', { token })).toEqual({
      expiresAt: new Date(exp * 1000).toISOString(),
    })
    const short = await h.connect({ token: await signToken({ sub: 'goes', exp: inSeconds(3) }) })
    await short.waitForClose()
    expect(user.closeReason()).toBeUndefined()
  })

  it('takes away what a role had opened', async () => {
    const owner = await h.connect()
    const { session } = await owner.open()
    const operator = await h.connect({ userId: 'was-operator', roles: ['chat_admin'] })
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
    const metrics = override(h.backend.ports.metrics, {
      deltaDropped: () => void dropped.push(1),
      slowReaderClosed: () => void closed.push(1),
    })
    const own = await h.startOther({}, { metrics })
    const reader = await h.connect({ url: own.url, userId: 'pair' })
    const { session } = await reader.open()
    const raw = await h.connectRaw({ url: own.url })
    await raw.login(await signToken({ sub: 'pair' }))
    raw.socket.send(`421${JSON.stringify(['session:open', { sessionId: session.id }])}`)
    await raw.waitForFrame((frame) => frame.startsWith('431'))
    raw.socket.pause()

    const text = 'x'.repeat(20_000)
    const publish = async (index: number) => {
      const delta = { sessionId: session.id, replyId: 'r', attempt: 1, index, text }
      await h.backend.ports.bus.publishDelta(delta, () => text)
      await reader.waitFor('reply:delta', (payload) => payload.index === index)
    }
    let index = 0
    while (dropped.length === 0 && index < 2000) await publish(index++)
    expect(dropped.length).toBeGreaterThan(0)
    expect(closed).toHaveLength(0)

    // What is no delta still goes out, until there is too much of it.
    const { messages } = h.backend.ports
    const page = await messages.append({ message: toMessage(session.id, text.repeat(5)) })
    const event: BusEvent = { event: 'message:new', payload: { message: page.message } }
    for (let sent = 0; closed.length === 0 && sent < 2000; sent++) {
      await h.backend.ports.bus.publish(session.id, event)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(closed).toHaveLength(1)
    await waitUntil(() => own.connections() === 1)
    expect(reader.closeReason()).toBeUndefined()
  })
})

describe('a client that reads slowly', () => {
  it('gets the longest answer that there is, whatever waits before and comes after it', async () => {
    let dropped = 0
    let closed = 0
    let opened = 0
    const metrics = override(h.backend.ports.metrics, {
      deltaDropped: () => {
        dropped++
      },
      slowReaderClosed: () => {
        closed++
      },
      eventAnswered: (event) => {
        if (event === 'session:open') opened++
      },
    })
    const own = await h.startOther({}, { metrics })
    const reader = await h.connect({ url: own.url, userId: 'slow' })
    const { session } = await reader.open()
    const raw = await h.connectRaw({ url: own.url })
    await raw.login(await signToken({ sub: 'slow' }))
    const open = (ackId: number) => {
      const before = opened
      raw.socket.send(`42${ackId}${JSON.stringify(['session:open', { sessionId: session.id }])}`)
      return waitUntil(() => opened > before)
    }
    await open(1)
    raw.socket.pause()
    const delta = { sessionId: session.id, replyId: 'r', attempt: 1, text: 'x'.repeat(20_000) }
    for (let index = 0; dropped === 0 && index < 2000; index++) {
      await h.backend.ports.bus.publishDelta({ ...delta, index }, () => delta.text)
      await reader.waitFor('reply:delta', (payload) => payload.index === index)
    }
    expect(dropped).toBeGreaterThan(0)

    // Each of these characters takes six bytes on the wire.
    const content = '\u0001'.repeat(LIMITS.replyLength)
    const { messages, bus } = h.backend.ports
    const longest = { ...toMessage(session.id, content), id: 'longest-message' }
    const { message } = await messages.append({ message: longest })
    await open(2)
    const small: BusEvent = {
      event: 'message:new',
      payload: { message: { ...message, id: 'small', seq: 2, content: 'after it' } },
    }
    await bus.publish(session.id, small)
    await reader.waitFor('message:new', (payload) => payload.message.seq === 2)
    raw.socket.resume()
    const answer = await raw.waitForFrame((frame) => frame.startsWith('432'))
    expect(answer.length).toBeGreaterThan(6 * LIMITS.replyLength)
    await raw.waitForFrame((frame) => frame.includes('after it'))
    expect(closed).toBe(0)
  }, 30_000)
})

describe('drain and stop', () => {
  it('tells each client when to come back, lets nobody in and closes all', async () => {
    const own = await h.startOther({})
    const guests = await Promise.all(Array.from({ length: 20 }, () => h.connect({ url: own.url })))
    const drained = own.drain({ deadlineMs: 5000 })
    await expect(h.connectRaw({ url: own.url })).rejects.toThrow('UNAVAILABLE')
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
    const inStore = Promise.withResolvers<undefined>()
    const held = Promise.withResolvers<undefined>()
    const { messages } = h.backend.ports
    const slow = override(messages, {
      async append(entry) {
        inStore.resolve(undefined)
        await held.promise
        return await messages.append(entry)
      },
    })
    const own = await h.startOther({}, { messages: slow })
    const user = await h.connect({ url: own.url })
    const { session } = await user.open()
    const sent = user.send(session, 'just in time')
    await inStore.promise
    const stopped = Promise.all([own.stop(), own.stop()])
    held.resolve(undefined)
    expect((await sent).content).toBe('just in time')
    await stopped
    expect(await user.waitForClose()).toBe('io server disconnect')
    expect((await messages.read(session.id, { limit: 1 })).messages).toHaveLength(1)
  })

  it('rejects where the port is taken', async () => {
    await expect(
      startTestGateway(h.backend.ports, { server: { port: h.gateway.port } }),
    ).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })

  it('closes a connection that is slow with its request', async () => {
    const socket = connectTcp(h.gateway.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const startedAt = performance.now()
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    socket.resume()
    await closed
    expect(Math.abs(performance.now() - startedAt - 5000)).toBeLessThan(2500)
  }, 15_000)
})

describe('an open connection', () => {
  it('does not hold the request that it began with', async () => {
    const countRequests = () => queryObjects(IncomingMessage, { format: 'count' })
    await h.connect()
    const before = countRequests()
    await Promise.all(Array.from({ length: 20 }, (_, index) => h.connect({ userId: `i-${index}` })))
    await waitUntil(() => countRequests() < before + 20)
  })
})
