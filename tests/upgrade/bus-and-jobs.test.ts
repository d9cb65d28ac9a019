import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  EMPTY_DESK,
  type GATEWAY_EVENTS,
  type BusEvent,
  type DeskEntry,
  type Message,
  type ReplyDelta,
  type Session,
} from '@chatbox/contract'
import type { EventBus, JobQueue } from '@chatbox/core'
import { Redis } from 'ioredis'
import { LATER_EVENT, parseBroadcast } from '../../shared/adapters/src/common/live-events.ts'
import { createMemoryEventBus } from '../../shared/adapters/src/memory/memory-event-bus.ts'
import { MemoryJobQueue } from '../../shared/adapters/src/memory/memory-job-queue.ts'
import {
  describeEventBus,
  newDelta,
  toStart,
  writeReply,
  type BusHarness,
} from '../contract/event-bus.contract.ts'
import { describeJobQueue } from '../contract/job-queue.contract.ts'
import {
  closeAll,
  createCountedHooks,
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  type RedisLab,
} from '../contract/redis.support.ts'
import { addFields, addToJson, NEXT_VALUE, overriding } from './next-version.ts'

const TIME = '2026-01-01T00:00:00.000Z'
const by = { id: 'grace', name: 'Grace' }

/** With an object wherever there can be one. */
const MESSAGE: Message = {
  id: 'message',
  sessionId: 'session',
  seq: 1,
  kind: 'event',
  sender: { type: 'admin', ...by },
  content: '',
  attachments: [{ id: 'file', name: 'a.png', mediaType: 'image/png', bytes: 1, url: '/a.png' }],
  status: 'failed',
  error: { code: 'INTERNAL', message: 'No.', retryable: false },
  event: { type: 'takeover_started', by },
  usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2 },
  createdAt: TIME,
}
const SESSION: Session = {
  id: 'session',
  userId: 'ada',
  userName: 'Ada',
  name: '',
  status: 'active',
  modelId: 'demo',
  startedAt: TIME,
  lastActivityAt: TIME,
  endedAt: null,
  lastSeq: 1,
  messageCount: 0,
  help: { requestedAt: TIME, note: 'Please.' },
  assistedBy: { ...by, since: TIME },
  adminAssisted: true,
  usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 },
  responseTimeMs: { avg: 0, max: 0 },
  shared: false,
}

const BUS_EVENTS: { [E in BusEvent['event']]: Extract<BusEvent, { event: E }> } = {
  'reply:start': toStart('session') as Extract<BusEvent, { event: 'reply:start' }>,
  'reply:delta': { event: 'reply:delta', payload: newDelta() },
  'message:new': { event: 'message:new', payload: { message: MESSAGE } },
  'session:updated': { event: 'session:updated', payload: { session: SESSION } },
}
const NOTE: DeskEntry = {
  ...{ id: 'note', sessionId: 'session', seq: 1, by, at: TIME },
  action: { type: 'note', text: 'Wants a refund', mentions: [] },
}
const BROADCASTS: Record<keyof typeof GATEWAY_EVENTS, unknown> = {
  'message:new': { message: MESSAGE },
  'session:updated': { session: SESSION },
  typing: { sessionId: 'session', from: { type: 'user', ...by }, typing: true },
  'message:receipt': { sessionId: 'session', reader: { type: 'user', id: 'ada' }, seq: 1 },
  'desk:new': { entry: NOTE, desk: { ...EMPTY_DESK, seq: 1 } },
}

/** Publishes as the next version does. */
function toNextBus(bus: EventBus): EventBus {
  return overriding(bus, {
    publish: (sessionId, event) => bus.publish(sessionId, addFields(event)),
    publishDelta: (delta: ReplyDelta, textSoFar) => bus.publishDelta(addFields(delta), textSoFar),
  })
}

function toNextQueue(queue: JobQueue): JobQueue {
  return overriding(queue, {
    enqueue: (name, payload) => queue.enqueue(name, addFields(payload)),
  })
}

function describeNextEvents(open: () => Promise<BusHarness>): void {
  it('tells what the next version adds to, without it, and passes over what is new', async () => {
    const harness = await open()
    const seen: BusEvent[] = []
    await harness.other.subscribe('session', (event) => seen.push(event))
    const event = NEXT_VALUE
    for (const later of [{ event, payload: { sessionId: 'session' } }, { event }]) {
      await harness.bus.publish('session', later as unknown as BusEvent)
    }
    for (const event of Object.values(BUS_EVENTS)) await harness.bus.publish('session', event)
    await eventually(
      () => seen.length,
      (count) => count === 4,
    )
    expect(seen).toEqual(Object.values(BUS_EVENTS))
    expect(harness.otherHooks.refused).toEqual([])
    await harness.close()
  })
}

describe('in memory, beside the next version', () => {
  const openBus = async (): Promise<BusHarness> => {
    const hooks = createCountedHooks()
    const other = createMemoryEventBus(hooks)
    return { bus: toNextBus(other), other, hooks, otherHooks: hooks, close: () => other.close() }
  }
  describeEventBus('memory', openBus)
  describeNextEvents(openBus)
  describeJobQueue('memory', async () => {
    const hooks = createCountedHooks()
    const queue = new MemoryJobQueue(hooks)
    return { queue: toNextQueue(queue), hooks, close: () => queue.close(0) }
  })
})

describeWithRedis('on Redis, beside the next version', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  const openBus = async (): Promise<BusHarness> => {
    const prefix = newId()
    const [one, two] = [await lab.open(prefix), await lab.open(prefix)]
    return {
      bus: toNextBus(one.bus),
      other: two.bus,
      hooks: one.hooks,
      otherHooks: two.hooks,
      close: () => closeAll(one, two),
    }
  }
  describeEventBus('redis', openBus)
  describeNextEvents(openBus)
  describeJobQueue('redis', async () => {
    const { queue, hooks } = await lab.open(newId())
    return { queue: toNextQueue(queue), hooks, close: () => queue.close(0) }
  })

  it('reads a draft with more fields, and none with a piece of another kind', async () => {
    const prefix = newId()
    const { bus, hooks } = await lab.open(prefix)
    const [sessionId, replyId] = [newId(), newId()]
    await writeReply(bus, { sessionId, replyId }, ['one ', 'two '])
    const redis = new Redis(lab.server.url)
    const key = `${prefix}:{reply:${replyId}}`
    await redis.hset(`${key}:pad`, { addedByNextVersion: 'text', next: 2 })
    const draft = { attempt: 1, index: 2, text: 'one two ' }
    expect(await bus.readDraft(sessionId, replyId)).toEqual(draft)
    await redis.rpush(`${key}:chunks`, `${NEXT_VALUE}:2:sealed`)
    expect(await bus.readDraft(sessionId, replyId)).toBeUndefined()
    expect(hooks.errors).toEqual([])
    redis.disconnect()
  })
})

describe('a broadcast of a gateway of the next version', () => {
  const toText = (event: string, payload: unknown): string => {
    const packet = { type: 2, data: [event, payload], nsp: '/' }
    return JSON.stringify([
      'another',
      packet,
      { rooms: [event === 'desk:new' ? 'desk:session' : 'session:session'], except: [], flags: {} },
    ])
  }

  it.each(Object.entries(BROADCASTS))('is read without what it adds: %s', (event, payload) => {
    const text = toText(event, payload)
    expect(addToJson(text)).not.toBe(text)
    expect(parseBroadcast(addToJson(text))).toEqual(JSON.parse(text))
  })

  it('is passed over where its event is new, and refused where it is a gateway’s own', () => {
    expect(parseBroadcast(toText(NEXT_VALUE, {}))).toBe(LATER_EVENT)
    expect(parseBroadcast(toText('ready', {}))).toBeUndefined()
  })
})
