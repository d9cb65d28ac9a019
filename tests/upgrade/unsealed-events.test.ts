import { once } from 'node:events'
import type { BusEvent, Message, Session } from '@chatbox/contract'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { newDelta, toStart } from '../contract/event-bus.contract.ts'
import {
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  type OpenedRedis,
  type RedisLab,
} from '../contract/redis.support.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { ChatUser } from '../support/chat-user.ts'

const TOLD = ['reply:start', 'reply:delta', 'message:new', 'session:updated']
/** Longer than the pause between two looks for entries that a gateway was not told of. */
const NEXT_LOOK_MS = 30_000

describeWithRedis('beside a version whose live events are not sealed', () => {
  const h = useGateway()
  const prefix = newId()
  let lab: RedisLab
  let parts: OpenedRedis
  /** A client of the version before. */
  let before: Redis
  let viewer: ChatUser
  let session: Session
  let skippedMs = 0

  beforeAll(async () => {
    lab = await openRedisLab()
    parts = await lab.open(prefix)
    before = new Redis(lab.server.url)
  })
  afterAll(async () => {
    before.disconnect()
    await lab.close()
  })

  async function startViewer(): Promise<void> {
    const { clock } = h.backend.ports
    const { bus } = parts
    // Without chance in them, the looks are as often as they ever are.
    const skipping = { ...clock, random: () => 0, now: () => new Date(Date.now() + skippedMs) }
    const own = await h.startOther({}, { bus, clock: skipping })
    viewer = await h.connect({ url: own.url })
    session = (await viewer.open()).session
  }

  /** As a worker of that version: the log first, then everybody who may see it. */
  async function answerAsBefore(): Promise<Message> {
    const { messages, clock } = h.backend.ports
    const { message, session: after } = await messages.append({
      message: {
        id: clock.newId(),
        sessionId: session.id,
        kind: 'text',
        sender: { type: 'ai', id: 'demo', name: 'Demo' },
        content: 'An answer',
        attachments: [],
        status: 'complete',
        createdAt: clock.now().toISOString(),
      },
    })
    const sessionId = session.id
    const told: BusEvent[] = [
      toStart(sessionId),
      { event: 'reply:delta', payload: newDelta({ sessionId }) },
      { event: 'message:new', payload: { message } },
      { event: 'session:updated', payload: { session: after } },
    ]
    for (const event of told) {
      await before.publish(`${prefix}:session:${sessionId}`, JSON.stringify(event))
    }
    return message
  }

  it('refuses its events, loses no entry, and tells viewers to read the log', async () => {
    await startViewer()
    const message = await answerAsBefore()
    const { refused } = parts.hooks
    await eventually(
      () => refused.length,
      (count) => count === 4,
    )
    expect(refused).toEqual(Array(4).fill({ source: 'bus', ids: { sessionId: session.id } }))
    skippedMs += NEXT_LOOK_MS
    await viewer.waitFor('session:head', ({ lastSeq }) => lastSeq === message.seq)
    expect((await viewer.open({ sessionId: session.id, afterSeq: 0 })).messages).toEqual([message])
    const live = viewer.received.map(({ event }) => event)
    for (const event of TOLD) expect(live).not.toContain(event)
  })

  it('refuses its stops, which the store holds too', async () => {
    const stopped: string[] = []
    await parts.bus.onStop((replyId) => stopped.push(replyId))
    parts.hooks.refused.length = 0
    await before.publish(`${prefix}:stop`, 'reply')
    await eventually(
      () => parts.hooks.refused,
      (refused) => refused.some(({ source }) => source === 'stop'),
    )
    expect(stopped).toEqual([])
  })

  it('publishes nothing that it could take for one of its own', async () => {
    const heard: string[] = []
    const ear = new Redis(lab.server.url)
    ear.on('pmessage', (_pattern: string, _channel: string, text: string) => heard.push(text))
    await ear.psubscribe(`${prefix}:*`)
    await parts.bus.publish('session', toStart('session'))
    await parts.bus.publishDelta(newDelta({ sessionId: 'session' }), () => '')
    await parts.bus.publishStop('reply')
    await eventually(
      () => heard.length,
      (count) => count === 3,
    )
    ear.disconnect()
    await once(ear, 'end')
    // That version reads JSON and, for a stop, an id.
    for (const text of heard) {
      expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
      expect(text).not.toMatch(/^[\w.~-]{1,64}$/u)
    }
  })
})
