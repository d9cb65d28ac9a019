import { describe, expect, it } from '@jest/globals'
import { useGateway } from '../support/gateway-harness.ts'
import { waitUntil } from '../environment/wait-until.ts'

const h = useGateway()

describe('live events', () => {
  it('brings what workers publish to those who have the session open, on every gateway', async () => {
    const { bus } = h.backend.ports
    const other = await h.startOther()
    const here = await h.connect({ userId: 'two-places' })
    const there = await h.connect({ userId: 'two-places', url: other.url })
    const stranger = await h.connect()
    const { session } = await here.open()
    await there.open({ sessionId: session.id })
    await stranger.open()
    const start = {
      sessionId: session.id,
      replyId: 'r1',
      replyTo: 'q1',
      modelId: 'demo',
      attempt: 1,
    }
    await bus.publish(session.id, { event: 'reply:start', payload: start })
    const delta = { sessionId: session.id, replyId: 'r1', attempt: 1, index: 0, text: 'x' }
    await bus.publishDelta(delta, () => 'x')
    await bus.publish(session.id, { event: 'session:updated', payload: { session } })
    for (const user of [here, there]) {
      expect(await user.waitFor('reply:start')).toEqual(start)
      expect(await user.waitFor('reply:delta')).toEqual(delta)
      await user.waitFor('session:updated')
    }
    expect(stranger.received.map(({ event }) => event)).toEqual(['ready'])
  })

  it('tells the other tabs of new entries, of typing and of what was read', async () => {
    const one = await h.connect({ userId: 'tabs', name: 'Tab' })
    const two = await h.connect({ userId: 'tabs' })
    const operator = await h.connect({ userId: 'op', roles: ['chat_admin'], name: 'Op' })
    const { session } = await one.open()
    await operator.open({ sessionId: session.id })
    const message = await one.send(session, 'hello')
    expect((await operator.waitFor('message:new')).message).toEqual(message)
    // The second tab has not opened the session, but lists it.
    expect((await two.waitFor('session:updated')).session.name).toBe('hello')
    await two.open()
    one.socket.emit('typing', { sessionId: session.id, typing: true })
    const typing = {
      sessionId: session.id,
      from: { type: 'user', id: 'tabs', name: 'Tab' },
      typing: true,
    }
    expect(await operator.waitFor('typing')).toEqual(typing)
    await operator.emit('message:read', { sessionId: session.id, seq: 1 })
    const receipt = {
      sessionId: session.id,
      reader: { type: 'admin', id: expect.any(String) },
      seq: 1,
    }
    expect(await one.waitFor('message:receipt')).toEqual(receipt)
    expect(one.received.some(({ event }) => event === 'typing')).toBe(false)
    expect(two.received.some(({ event }) => event === 'message:new')).toBe(false)
  })

  it('tells how long the log is, soon after the bus had a gap', async () => {
    const gaps: (() => void)[] = []
    const bus = {
      ...h.backend.ports.bus,
      onGap: (listener: () => void) => void gaps.push(listener),
    }
    // By itself the beacon looks at this session in 23 s.
    const clock = { ...h.backend.ports.clock, random: () => 0.9 }
    const gateway = await h.startOther({}, { bus, clock })
    const user = await h.connect({ url: gateway.url })
    const { session } = await user.open()
    await user.send(session, 'one')
    gaps.forEach((tell) => tell())
    expect(await user.waitFor('session:head')).toEqual({ sessionId: session.id, lastSeq: 1 })
  })

  it('tells of a lost last entry within 30 s where something happened a moment ago', async () => {
    const { messages, clock } = h.backend.ports
    let aheadMs = 0
    const gateway = await h.startOther(
      {},
      { clock: { ...clock, now: () => new Date(Date.now() + aheadMs) } },
    )
    const one = await h.connect({ userId: 'lossy', url: gateway.url })
    const two = await h.connect({ userId: 'lossy', url: gateway.url })
    const { session } = await one.open()
    await two.open()
    // Until it has been looked at as one that is quiet: the next look is minutes away.
    aheadMs = 6 * 60_000
    await waitUntil(() => {
      aheadMs += 20_000
      return two.received.some(({ event }) => event === 'session:head')
    })
    const { seq } = await one.send(session, 'hello')
    await two.waitFor('message:new')
    const lost = await messages.append({
      message: {
        id: clock.newId(),
        sessionId: session.id,
        kind: 'text',
        sender: { type: 'user', id: 'lossy', name: '' },
        content: 'nobody is told of this',
        attachments: [],
        status: 'complete',
        createdAt: clock.now().toISOString(),
      },
    })
    expect(lost.message.seq).toBe(seq + 1)
    const isBehind = ({ lastSeq }: { lastSeq: number }) => lastSeq === seq + 1
    await two.waitFor('session:head', isBehind, 30_000)
  }, 45_000)
})
