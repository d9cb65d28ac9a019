import { describe, expect, it } from '@jest/globals'
import { override } from '../environment/override.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway()

describe('too many events', () => {
  it('are refused with a time to wait, on every gateway together', async () => {
    const pair = [
      await h.startOther({ limits: { rateLimit: 3 } }),
      await h.startOther({ limits: { rateLimit: 3 } }),
    ]
    const users = await Promise.all(pair.map(({ url }) => h.connect({ url, userId: 'eager' })))
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
    const held = Promise.withResolvers<undefined>()
    const { sessions } = h.backend.ports
    const find = (id: string) => held.promise.then(() => sessions.find(id))
    const slow = override(sessions, { find })
    const own = await h.startOther({}, { sessions: slow })
    const eager = await h.connect({ url: own.url })
    const asked = Array.from({ length: 100 }, () =>
      eager.emitRaw('session:open', { sessionId: 'x' }),
    )
    const first = await Promise.race(asked)
    expect(first).toMatchObject({ ok: false, error: { code: 'TOO_MANY_REQUESTS' } })
    held.resolve(undefined)
    const codes = (await Promise.all(asked)).map((ack) => (ack.ok ? 'ok' : ack.error.code))
    expect(codes.filter((code) => code === 'NOT_FOUND')).toHaveLength(64)
    expect(codes.filter((code) => code === 'TOO_MANY_REQUESTS')).toHaveLength(36)
  })
})

describe('a fault of our own', () => {
  it('is one INTERNAL that says nothing, and the next event is served', async () => {
    const { sessions } = h.backend.ports
    const findActive = () => {
      throw new TypeError('secret detail')
    }
    const broken = override(sessions, { findActive })
    const own = await h.startOther({}, { sessions: broken })
    const one = await h.connect({ url: own.url })
    const error = await one.refusal('session:open', {})
    expect(error).toMatchObject({ code: 'INTERNAL', message: 'Something went wrong on our side.' })
    expect(error.requestId).toMatch(/^[\w-]{22}$/)
    expect((await one.refusal('session:open', { sessionId: 'x' })).code).toBe('NOT_FOUND')
  })
})
