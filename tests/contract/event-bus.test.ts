import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { BusEvent, ReplyDelta } from '@chatbox/contract'
import { Redis } from 'ioredis'
import { createMemoryEventBus } from '../../shared/adapters/src/memory/memory-event-bus.ts'
import { toDeltaOpening } from '../../shared/adapters/src/redis/bus/sealed-events.ts'
import { describeEventBus, newDelta, toStart, toUpdate, writeReply } from './event-bus.contract.ts'
import {
  closeAll,
  createCountedHooks,
  describeWithRedis,
  eventually,
  forgedEvents,
  newId,
  openRedisLab,
  sealedEvents,
  timeMs,
  type OpenedRedis,
  type RedisLab,
} from './redis.support.ts'

async function untilAnswers(redis: OpenedRedis): Promise<void> {
  await eventually(
    () =>
      redis.ping().then(
        () => true,
        () => false,
      ),
    (alive) => alive,
  )
}

describeEventBus('memory', async () => {
  const hooks = createCountedHooks()
  const bus = createMemoryEventBus(hooks)
  return { bus, other: bus, hooks, otherHooks: hooks, close: () => bus.close() }
})

describeWithRedis('on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  describeEventBus('redis', async () => {
    const prefix = newId()
    const [one, two] = [await lab.open(prefix), await lab.open(prefix)]
    return {
      bus: one.bus,
      other: two.bus,
      hooks: one.hooks,
      otherHooks: two.hooks,
      close: () => closeAll(one, two),
    }
  })

  it('does not open a draft that was moved to another reply, or rearranged', async () => {
    const prefix = newId()
    const { bus } = await lab.open(prefix)
    const [sessionId, replyId, stolen] = [newId(), newId(), newId()]
    await writeReply(bus, { sessionId, replyId }, ['one ', 'two '])
    const redis = new Redis(lab.server.url)
    const from = `${prefix}:{reply:${replyId}}`
    await redis.copy(`${from}:pad`, `${prefix}:{reply:${stolen}}:pad`)
    await redis.copy(`${from}:chunks`, `${prefix}:{reply:${stolen}}:chunks`)
    expect(await bus.readDraft(sessionId, stolen)).toBeUndefined()
    const [first = '', second = ''] = await redis.lrange(`${from}:chunks`, 0, -1)
    await redis.del(`${from}:chunks`)
    const swapped = [second.replace('delta:1', 'delta:0'), first.replace('delta:0', 'delta:1')]
    await redis.rpush(`${from}:chunks`, ...swapped)
    expect(await bus.readDraft(sessionId, replyId)).toBeUndefined()
    redis.disconnect()
  })

  it('delivers nothing that no process of this installation has sealed for this place', async () => {
    const prefix = newId()
    const { bus, hooks } = await lab.open(prefix)
    const [sessionId, other] = [newId(), newId()]
    const seen: unknown[] = []
    await bus.subscribe(sessionId, (event) => seen.push(event))
    await bus.onStop((replyId) => seen.push(replyId))
    const start = toStart(sessionId)
    const delta = newDelta({ sessionId })
    const opening = toDeltaOpening(delta)
    const chunk = sealedEvents.sealChunk('delta', delta)
    const events = [
      ...['', '{', 'null', '[]', '{"event":"ready"}', '\u0000', 'event', 'event ', 'delta x 1 '],
      JSON.stringify(start),
      `event ${JSON.stringify(start)}`,
      forgedEvents.sealEvent(sessionId, start),
      sealedEvents.sealEvent(other, start),
      sealedEvents.sealEvent(sessionId, toStart(other)),
      sealedEvents.sealStop(sessionId),
      `${opening}${forgedEvents.sealChunk('delta', delta)}`,
      `${opening}${sealedEvents.sealChunk('snapshot', delta)}`,
      `${opening}${sealedEvents.sealChunk('delta', { ...delta, sessionId: other })}`,
      `${opening}${chunk.replace('delta:0', 'delta:1')}`,
      `${toDeltaOpening({ ...delta, attempt: 2 })}${chunk}`,
      `${toDeltaOpening({ ...delta, replyId: 'another' })}${chunk}`,
    ]
    const stops = [
      'reply',
      'stop reply',
      forgedEvents.sealStop('reply'),
      sealedEvents.sealStop('{'),
    ]
    const redis = new Redis(lab.server.url)
    for (const text of events) await redis.publish(`${prefix}:session:${sessionId}`, text)
    for (const text of stops) await redis.publish(`${prefix}:stop`, text)
    await redis.publish(`${prefix}:session:${sessionId}`, `${opening}${chunk}`)
    redis.disconnect()
    await eventually(
      () => seen,
      ({ length }) => length > 0,
    )
    expect(seen).toEqual([{ event: 'reply:delta', payload: delta }])
    await eventually(
      () => hooks.refused,
      ({ length }) => length === events.length + stops.length,
    )
  })

  it('lets nobody read along who has no key', async () => {
    const prefix = newId()
    const { bus } = await lab.open(prefix)
    const redis = new Redis(lab.server.url)
    const heard: string[] = []
    redis.on('pmessage', (_pattern: string, _channel: string, text: string) => heard.push(text))
    await redis.psubscribe(`${prefix}:*`)
    const { sessionId, replyId } = newDelta()
    await writeReply(bus, { sessionId, replyId }, ['MARKER of a delta'])
    await bus.publish(sessionId, toUpdate(sessionId, 'MARKER of a name'))
    await bus.publishStop('MARKER')
    await eventually(
      () => heard,
      ({ length }) => length === 3,
    )
    const decoded = heard.map((text) => Buffer.from(text.split(/[ .:]/u).at(-1) ?? '', 'base64url'))
    for (const text of [...heard, ...decoded]) expect(text.includes('MARKER')).toBe(false)
    redis.disconnect()
  })
})

describeWithRedis('when Redis fails', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  it('never throws and never waits long while Redis is away or silent', async () => {
    const redis = await lab.openFar(newId())
    const { bus, hooks } = redis
    const sessionId = newId()
    const everything = async (): Promise<void> => {
      await bus.publish(sessionId, toStart(sessionId))
      expect(await bus.publishDelta(newDelta({ sessionId }), () => 'text')).toBe('published')
      expect(await bus.readDraft(sessionId, 'reply')).toBeUndefined()
      const place = { sessionId, replyId: 'reply', attempt: 1 }
      expect(await bus.takeDraft(place)).toBeUndefined()
      await bus.dropDraft(place)
      await bus.publishStop('reply')
    }
    for (const mode of ['refuse', 'reset', 'blackhole'] as const) {
      await lab.link.cut(mode)
      const before = hooks.publishesFailed
      let failure: unknown
      const took = await timeMs(() =>
        everything().catch((error: unknown) => {
          failure = error
        }),
      )
      expect(failure).toBeUndefined()
      expect(took).toBeLessThan(1500)
      expect(hooks.publishesFailed - before).toBe(3)
      await expect(redis.ping()).rejects.toBeInstanceOf(Error)
      await lab.link.restore()
      await untilAnswers(redis)
    }
  }, 30_000)

  it.each(['refuse', 'reset', 'blackhole'] as const)(
    'publishes a log entry again after an outage (%s) that only the publisher has had',
    async (mode) => {
      const prefix = newId()
      const [one, two] = [await lab.openFar(prefix), await lab.open(prefix)]
      const sessionId = newId()
      const seen: string[] = []
      await two.bus.subscribe(sessionId, ({ event }) => seen.push(event))
      await lab.link.cut(mode)
      await one.bus.publish(sessionId, toStart(sessionId))
      await one.bus.publish(sessionId, toUpdate(sessionId, 'late'))
      expect(one.hooks.publishesFailed).toBe(2)
      expect(seen).toEqual([])
      await lab.link.restore()
      await eventually(
        () => seen.length,
        (count) => count > 0,
        3000,
      )
      expect(new Set(seen)).toEqual(new Set(['session:updated']))
      await closeAll(one, two)
    },
    20_000,
  )

  it('subscribes in bounded time without Redis, and for real once it is back', async () => {
    const redis = await lab.openFar(newId())
    const { bus, hooks } = redis
    await lab.link.cut('refuse')
    const sessionId = newId()
    const seen: BusEvent[] = []
    let gaps = 0
    bus.onGap(() => gaps++)
    expect(await timeMs(() => bus.subscribe(sessionId, (event) => seen.push(event)))).toBeLessThan(
      3000,
    )
    await lab.link.restore()
    await eventually(
      () => gaps,
      (count) => count === 1,
    )
    // The connection that publishes comes back for itself.
    await untilAnswers(redis)
    await bus.publish(sessionId, toStart(sessionId))
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    expect(hooks.gaps).toBe(1)
  }, 20_000)

  it('tells of a gap where a subscription came into force later than it was waited for', async () => {
    const { bus } = await lab.open(newId())
    let gaps = 0
    bus.onGap(() => gaps++)
    await bus.subscribe(newId(), () => undefined)
    const { pid } = lab.server
    if (pid === undefined) throw new Error('this Redis is no process of ours')
    process.kill(pid, 'SIGSTOP')
    const took = await timeMs(() => bus.subscribe(newId(), () => undefined))
    process.kill(pid, 'SIGCONT')
    expect(took).toBeLessThan(1500)
    await eventually(
      () => gaps,
      (count) => count === 1,
    )
  }, 20_000)

  it('tells of the gap, and delivers again within 2 s, after Redis was killed', async () => {
    const redis = await lab.open(newId())
    const { bus } = redis
    const ids = Array.from({ length: 700 }, newId)
    const seen = new Set<string>()
    await Promise.all(ids.map((id) => bus.subscribe(id, () => seen.add(id))))
    const { promise: gap, resolve } = Promise.withResolvers<number>()
    bus.onGap(() => resolve(performance.now()))
    await lab.server.kill()
    await lab.server.restart()
    const back = performance.now()
    expect((await gap) - back).toBeLessThan(2000)
    await untilAnswers(redis)
    for (const id of ids) await bus.publish(id, toStart(id))
    await eventually(
      () => seen.size,
      (count) => count === ids.length,
    )
  }, 20_000)

  it('has the whole draft again after Redis came back empty in the middle of a reply', async () => {
    const redis = await lab.open(newId())
    const { bus } = redis
    const [sessionId, replyId] = [newId(), newId()]
    let text = ''
    const write = (index: number): Promise<string> => {
      text += `word-${index} `
      const delta: ReplyDelta = newDelta({ sessionId, replyId, index, text: `word-${index} ` })
      const soFar = text
      return bus.publishDelta(delta, () => soFar)
    }
    for (let index = 0; index < 5; index++) await write(index)
    await lab.server.kill()
    expect(await write(5)).toBe('published')
    await lab.server.restart()
    await untilAnswers(redis)
    expect(await bus.readDraft(sessionId, replyId)).toBeUndefined()
    for (let index = 6; index < 10; index++) await write(index)
    expect(await bus.readDraft(sessionId, replyId)).toEqual({ attempt: 1, index: 10, text })
  }, 20_000)

  it('notices a subscription whose connection died in silence', async () => {
    const redis = await lab.openFar(newId())
    const { bus } = redis
    const sessionId = newId()
    const seen: BusEvent[] = []
    await bus.subscribe(sessionId, (event) => seen.push(event))
    const { promise: gap, resolve } = Promise.withResolvers<undefined>()
    bus.onGap(() => resolve(undefined))
    lab.link.freeze()
    await gap
    await untilAnswers(redis)
    await bus.publish(sessionId, toStart(sessionId))
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
  }, 20_000)

  it('goes on at a slow link', async () => {
    const { bus } = await lab.openFar(newId())
    const [sessionId, replyId] = [newId(), newId()]
    lab.link.setLatency(100)
    await writeReply(bus, { sessionId, replyId }, ['one ', 'two ', 'three'])
    expect(await bus.readDraft(sessionId, replyId)).toMatchObject({ text: 'one two three' })
    lab.link.setLatency(0)
  }, 20_000)
})
