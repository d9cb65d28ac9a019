import { describe, expect, it } from '@jest/globals'
import { override } from '../environment/override.ts'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { RawSocket } from '../support/raw-socket.ts'

/** What a site has by default. */
const LIMITS = { rateLimit: 100 }
/** In the figures of the product. */
const CLOSED_WITHIN_MS = 5000
const h = useGateway()

const isClosed = (raw: RawSocket) => raw.socket.readyState === WebSocket.CLOSED

/** Sends without a pause until the server has closed the socket, and returns after how long. */
async function floodUntilClosed(raw: RawSocket, frames: readonly (string | Buffer)[]) {
  const startedAt = performance.now()
  while (!isClosed(raw) && performance.now() - startedAt < 2 * CLOSED_WITHIN_MS) {
    for (const frame of frames) raw.socket.send(frame)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return performance.now() - startedAt
}

const many = (frame: string | Buffer, count = 200) => Array.from({ length: count }, () => frame)
const farewellOf = (raw: RawSocket) =>
  raw.frames.findLast((frame) => frame.startsWith('42["error"'))

describe('a socket that floods', () => {
  it.each([
    ['unknown events', many('42["x",{}]')],
    ['unknown events that want an answer', many('421["x",{}]')],
    ['known events', many('42["typing",{"sessionId":"x","typing":true}]')],
    ['acknowledgements of nothing', many('431[]')],
    ['pongs of the protocol', many('3')],
    ['long frames', many(`42["x","${'y'.repeat(60_000)}"]`, 20)],
  ])('is closed within 5 s, with a time to wait: %s', async (_what, frames) => {
    const own = await h.startOther({ limits: LIMITS })
    const raw = await h.connectRaw({ url: own.url })
    await raw.login(await signToken({ sub: 'flooder' }))
    expect(await floodUntilClosed(raw, frames)).toBeLessThan(CLOSED_WITHIN_MS)
    expect(farewellOf(raw)).toMatch(/"code":"TOO_MANY_REQUESTS".*"retryAfterMs":30000/u)
    await waitUntil(() => own.connections() === 0)
  })

  it('is closed before it has said who it is, each time after a few frames', async () => {
    const own = await h.startOther({ limits: LIMITS })
    for (let times = 0; times < 3; times++) {
      const raw = await h.connectRaw({ url: own.url })
      for (const frame of many('3', 17)) raw.socket.send(frame)
      await raw.closed
    }
    await h.connect({ url: own.url, userId: 'of the same address' })
  })

  it('is closed also where it sends only control frames', async () => {
    const own = await h.startOther({ limits: LIMITS })
    const raw = await h.connectRaw({ url: own.url })
    await raw.login(await signToken({ sub: 'pinger' }))
    const startedAt = performance.now()
    while (!isClosed(raw) && performance.now() - startedAt < 2 * CLOSED_WITHIN_MS) {
      for (let sent = 0; sent < 200; sent++) raw.socket.ping()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(performance.now() - startedAt).toBeLessThan(CLOSED_WITHIN_MS)
  })
})

/** Returns once the gateway has read all of them. */
async function sendPongs(raw: RawSocket, count: number): Promise<void> {
  for (const frame of many('3', count)) raw.socket.send(frame)
  raw.socket.send('421["typing",{}]')
  await raw.waitForFrame((frame) => frame.startsWith('431'))
}

describe('who connects again', () => {
  it.each([
    ['frames', many('3', 3000)],
    ['bytes', many(`42["x","${'y'.repeat(60_000)}"]`, 90)],
  ])('goes on with the %s that are left', async (_what, frames) => {
    const own = await h.startOther({ limits: LIMITS })
    const token = await signToken({ sub: 'comes-back' })
    const first = await h.connectRaw({ url: own.url })
    await first.login(token)
    for (const frame of frames) first.socket.send(frame)
    await sendPongs(first, 1)
    first.end()
    await waitUntil(() => own.connections() === 0)
    const second = await h.connectRaw({ url: own.url })
    await second.login(token)
    for (const frame of frames) second.socket.send(frame)
    await second.closed
    expect(farewellOf(second)).toMatch(/"retryAfterMs":30000/u)
    await h.connect({ url: own.url, userId: 'somebody else' })
  })

  it('has no more with several connections at once', async () => {
    const own = await h.startOther({ limits: LIMITS })
    const token = await signToken({ sub: 'many-tabs' })
    const open = await Promise.all(Array.from({ length: 4 }, () => h.connectRaw({ url: own.url })))
    for (const raw of open) await raw.login(token)
    for (const raw of open.slice(0, 3)) await sendPongs(raw, 1000)
    const [, , , last] = open
    for (const frame of many('3', 1000)) last?.socket.send(frame)
    await last?.closed
    await expect(h.connect({ url: own.url, userId: 'many-tabs' })).rejects.toMatchObject({
      info: { code: 'TOO_MANY_REQUESTS' },
    })
  })

  it('has as many refusals left as before', async () => {
    const own = await h.startOther({ limits: { rateLimit: 1 } })
    const token = await signToken({ sub: 'refused-again' })
    const send = '["message:send",{"sessionId":"x","clientMessageId":"c","content":"x"}]'
    const refuse = async (raw: RawSocket, count: number) => {
      for (let index = 1; index < count; index++) raw.socket.send(`421${send}`)
      raw.socket.send(`422${send}`)
      await Promise.race([raw.waitForFrame((frame) => frame.startsWith('432')), raw.closed])
    }
    const first = await h.connectRaw({ url: own.url })
    await first.login(token)
    await refuse(first, 150)
    expect(isClosed(first)).toBe(false)
    first.end()
    await waitUntil(() => own.connections() === 0)
    const second = await h.connectRaw({ url: own.url })
    await second.login(token)
    await refuse(second, 150)
    await second.closed
    expect(farewellOf(second)).toMatch(/"retryAfterMs":30000/u)
  })
})

describe('a refusal by rate', () => {
  it('is remembered: asking on costs no call of the shared count, then the connection', async () => {
    const { limiter } = h.backend.ports
    let takes = 0
    const counting = override(limiter, {
      take(rule, key) {
        takes++
        return limiter.take(rule, key)
      },
    })
    const own = await h.startOther({ limits: { rateLimit: 3 } }, { limiter: counting })
    const eager = await h.connect({ url: own.url, userId: 'asks-on' })
    const { session } = await eager.open()
    const before = takes
    const codes: string[] = []
    for (let index = 0; eager.closeReason() === undefined && index < 1000; index++) {
      const message = { sessionId: session.id, clientMessageId: `c${index}`, content: 'x' }
      const ack = await Promise.race([
        eager.emitRaw('message:send', message),
        eager.waitForClose().then(() => undefined),
      ])
      if (ack) codes.push(ack.ok ? 'ok' : ack.error.code)
    }
    expect(codes.slice(0, 3)).toEqual(['ok', 'ok', 'ok'])
    expect(new Set(codes.slice(3))).toEqual(new Set(['TOO_MANY_REQUESTS']))
    expect(codes.length).toBeGreaterThan(150)
    expect(codes.length).toBeLessThan(300)
    expect(takes - before).toBe(4)
    expect(await eager.waitFor('error')).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      retryAfterMs: 30_000,
    })
    await expect(h.connect({ url: own.url, userId: 'asks-on' })).rejects.toMatchObject({
      info: { code: 'TOO_MANY_REQUESTS' },
    })
    await h.connect({ url: own.url, userId: 'somebody else' })
  })
})

describe('an honest client', () => {
  it('never meets the end: 50 views, a long outbox and typing, all at once', async () => {
    const own = await h.startOther({ limits: LIMITS })
    const user = await h.connect({ url: own.url, userId: 'busy' })
    const ids = new Set<string>()
    let session = (await user.open()).session
    while (ids.add(session.id).size < 50) {
      session = (await user.emit('session:create', {})).session
    }
    const views = await Promise.all([...ids].map((sessionId) => user.open({ sessionId })))
    expect(new Set(views.map((view) => view.session.id)).size).toBe(50)
    // A paste of 200,000 characters is 20 messages; each character takes four bytes.
    for (let index = 0; index < 20; index++) await user.send(session, '😀'.repeat(10_000))
    for (let index = 0; index < 79; index++) await user.send(session, `waited ${index}`)
    for (let index = 0; index < 200; index++) {
      await user.emit('typing', { sessionId: session.id, typing: true })
    }
    expect((await user.open({ sessionId: session.id })).session.lastSeq).toBe(99)
    expect(user.closeReason()).toBeUndefined()
  })
})
