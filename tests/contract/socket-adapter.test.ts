import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { sessionRoom, type ServerPayload } from '@chatbox/contract'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { io, type Socket } from 'socket.io-client'
import { toUpdate } from './event-bus.contract.ts'
import {
  describeWithRedis,
  eventually,
  forgedEvents,
  newId,
  openRedisLab,
  redisSecrets,
  sealedEvents,
  type OpenedRedis,
  type RedisLab,
} from './redis.support.ts'

type Typing = ServerPayload<'typing'>
type Receipt = ServerPayload<'message:receipt'>

const ROOM = sessionRoom('one')
const OPENING = Buffer.from('another ')

function toTyping(name: string): Typing {
  return { sessionId: 'one', from: { type: 'user', id: 'user', name }, typing: true }
}

function toReceipt(seq: number): Receipt {
  return { sessionId: 'one', reader: { type: 'user', id: 'user' }, seq }
}

interface Changes {
  event?: string
  payload?: unknown
  rooms?: string[]
  more?: unknown[]
}

/** The JSON of what another gateway publishes, unless something of it is changed. */
function toJson(changes: Changes): string {
  const { event, payload, rooms, more } = {
    ...{ event: 'typing', payload: toTyping('one'), rooms: [ROOM], more: [] },
    ...changes,
  }
  const packet = { type: 2, data: [event, payload, ...more], nsp: '/' }
  return JSON.stringify(['another', packet, { rooms, except: [], flags: {} }])
}

function toBroadcast(changes: Changes): Buffer {
  return sealedEvents.sealBroadcast(OPENING, toJson(changes))
}

/** As gateways published before broadcasts were frames of bytes. */
function toTextBroadcast(publisher: string, changes: Changes): string {
  const sealed = redisSecrets.cipher.seal(toJson(changes), `broadcast/${publisher}`)
  return `${publisher} ${sealed}`
}

/** Changes one bit of the byte at `at`, from the end if it is negative. */
function flip(bytes: Buffer, at: number): Buffer {
  const index = at < 0 ? bytes.length + at : at
  return Buffer.from(bytes.map((byte, i) => (i === index ? byte ^ 1 : byte)))
}

interface Gateway {
  server: Server
  redis: OpenedRedis
  prefix: string
  connect(): Promise<Socket>
}

describeWithRedis('Socket.IO adapter on Redis', () => {
  let lab: RedisLab
  const ends: (() => Promise<unknown>)[] = []
  let stranger: Redis
  beforeAll(async () => {
    lab = await openRedisLab()
    stranger = new Redis(lab.server.url)
    stranger.on('error', () => undefined)
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(async () => {
    stranger.disconnect()
    await lab.close()
  })

  async function startGateway(redis: OpenedRedis, prefix = 'test'): Promise<Gateway> {
    const http = createServer()
    const server = new Server(http, { transports: ['websocket'], adapter: redis.socketAdapter })
    server.on('connection', (socket) => void socket.join(ROOM))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    ends.push(() => server.close())
    const address = http.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return {
      server,
      redis,
      prefix,
      async connect() {
        const socket = io(`http://127.0.0.1:${address.port}`, { transports: ['websocket'] })
        ends.push(async () => socket.disconnect())
        await new Promise<void>((resolve) => socket.once('connect', resolve))
        return socket
      },
    }
  }

  /** As any other program that reaches Redis may. */
  async function publish(channel: string, message: string | Buffer): Promise<void> {
    await stranger.publish(channel, message)
  }

  async function watch(
    pattern: string,
    onText: (text: string) => void,
  ): Promise<() => Promise<void>> {
    const watcher = new Redis(lab.server.url)
    watcher.on('pmessage', (_pattern: string, _channel: string, text: string) => onText(text))
    await watcher.psubscribe(pattern)
    return async () => watcher.disconnect()
  }

  async function startTwo(): Promise<[Gateway, Gateway]> {
    const prefix = newId()
    const [one, two] = [
      await startGateway(await lab.open(prefix), prefix),
      await startGateway(await lab.open(prefix), prefix),
    ]
    // The adapter subscribes without waiting; from here on both hear each other.
    await eventually(
      () => one.server.of('/').adapter.serverCount(),
      (count) => count === 2,
    )
    return [one, two]
  }

  it('carries what one gateway emits to the sockets of another', async () => {
    const [one, two] = await startTwo()
    const [here, there] = [await one.connect(), await two.connect()]
    const seen: string[] = []
    here.on('typing', ({ from }: Typing) => seen.push(`here ${from.name}`))
    there.on('typing', ({ from }: Typing) => seen.push(`there ${from.name}`))
    one.server.to(ROOM).emit('typing', toTyping('one'))
    two.server.to(ROOM).volatile.emit('typing', toTyping('two'))
    await eventually(
      () => seen.length,
      (count) => count === 4,
    )
    expect(seen.toSorted()).toEqual(['here one', 'here two', 'there one', 'there two'])
  })

  it('does not read what comes back to it of its own', async () => {
    const [one, two] = await startTwo()
    // Without a socket in the room nobody reads anything.
    const [here, there] = [await one.connect(), await two.connect()]
    const heard = new Promise((resolve) => there.once('typing', resolve))
    // A gateway that reads this refuses it.
    one.server.to(ROOM).emit('reply:delta', {})
    one.server.to(ROOM).emit('typing', toTyping('one'))
    await heard
    // What was published later comes later: by then its own has come back.
    const answered = new Promise((resolve) => here.once('message:receipt', resolve))
    two.server.to(ROOM).emit('message:receipt', toReceipt(1))
    await answered
    expect(two.redis.hooks.refused).toHaveLength(1)
    expect(one.redis.hooks.refused).toEqual([])
  })

  it('delivers nothing that no gateway sends, counts it, and goes on', async () => {
    const [, two] = await startTwo()
    const there = await two.connect()
    const seen: unknown[] = []
    there.onAny((...event: unknown[]) => seen.push(event))
    const channel = `${two.prefix}:io#/#`
    const good = toBroadcast({})
    const forged = [
      ...['', 'x', '1', 'null', '[]', '{}', ' ', 'another', 'another ', 'another \u0002'],
      ...[good.subarray(0, -3), Buffer.concat([good, good]), good.subarray(0, 30), flip(good, 0)],
      ...[
        flip(good, OPENING.length),
        flip(good, OPENING.length + 1),
        flip(good, 20),
        flip(good, -1),
      ],
      // Whoever reaches Redis knows the form, but has no key, and cannot rename a publisher.
      ...[toJson({}), `another ${toJson({})}`],
      forgedEvents.sealBroadcast(OPENING, toJson({})),
      sealedEvents.sealBroadcast(Buffer.from('others '), toJson({})),
      Buffer.concat([Buffer.from('others '), good.subarray(OPENING.length)]),
      toTextBroadcast('another', {}).slice(0, -3),
      toTextBroadcast('another', {}).replace('another', 'others'),
      toTextBroadcast('others', {}),
      // What is sealed for something else is no broadcast.
      `another ${sealedEvents.sealEvent('one', toUpdate('one', ''))}`,
      `another ${redisSecrets.cipher.seal(toJson({}), 'event/one')}`,
      // A gateway sends an event of one session to nobody else.
      toBroadcast({ rooms: [sessionRoom('two')] }),
      toBroadcast({ rooms: [ROOM, sessionRoom('two')] }),
      toBroadcast({ rooms: ['user:user'] }),
      toBroadcast({
        event: 'session:updated',
        payload: toUpdate('one', '').payload,
        rooms: ['user:x'],
      }),
      toBroadcast({ event: 'server:draining', payload: { reconnectAfterMs: 0 } }),
      toBroadcast({ event: 'reply:delta' }),
      toBroadcast({ payload: undefined }),
      toBroadcast({ rooms: [] }),
      toBroadcast({ more: ['another'] }),
    ]
    for (const message of forged) await publish(channel, message)
    await publish(`${channel}${ROOM}#`, 'x')
    await publish(channel, good)
    await eventually(
      () => seen.length,
      (count) => count > 0,
    )
    expect(seen).toEqual([['typing', toTyping('one')]])
    expect(two.redis.hooks.refused).toEqual(
      Array.from({ length: forged.length + 1 }, () => ({ source: 'broadcast', ids: {} })),
    )
  })

  it('delivers what gateways published before as a text', async () => {
    const [, two] = await startTwo()
    const there = await two.connect()
    const heard = new Promise((resolve) => there.once('typing', resolve))
    await publish(`${two.prefix}:io#/#${ROOM}#`, toTextBroadcast('another', {}))
    expect(await heard).toEqual(toTyping('one'))
    expect(two.redis.hooks.refused).toEqual([])
  })

  it('answers no request of another process, and is not stopped by one', async () => {
    const [, two] = await startTwo()
    const there = await two.connect()
    const every = { opts: { rooms: [], except: [] } }
    const requests = ['', 'x', '1', 'null', '{', '{}', ...[0, 1, 2, 3, 4, 5, 6, 7, 99]]
    const sent = new Set<string>()
    const answered: string[] = []
    ends.push(await watch(`${two.prefix}:io-response*`, (text) => answered.push(text)))
    for (const request of requests) {
      const message = typeof request === 'string' ? request : { requestId: newId(), type: request }
      const text = typeof message === 'string' ? message : JSON.stringify({ ...message, ...every })
      sent.add(text)
      await publish(`${two.prefix}:io-request#/#`, text)
      await publish(`${two.prefix}:io-response#/#`, text)
    }
    const heard = new Promise((resolve) => there.once('typing', resolve))
    await publish(`${two.prefix}:io#/#`, toBroadcast({}))
    await heard
    expect(answered.filter((text) => !sent.has(text))).toEqual([])
    expect(there.connected).toBe(true)
  })

  it('delivers here while Redis is away and there again within 2 s after it is back', async () => {
    const [one, two] = await startTwo()
    const [here, there] = [await one.connect(), await two.connect()]
    const rejections: unknown[] = []
    const onRejection = (reason: unknown): number => rejections.push(reason)
    process.on('unhandledRejection', onRejection)
    let emitted = 0
    let seenHere = 0
    let lastThere = 0
    here.on('message:receipt', () => seenHere++)
    there.on('message:receipt', ({ seq }: Receipt) => (lastThere = seq))
    const emitting = setInterval(
      () => one.server.to(ROOM).emit('message:receipt', toReceipt(++emitted)),
      50,
    )
    ends.push(async () => clearInterval(emitting))

    await eventually(
      () => lastThere,
      (number) => number > 3,
    )
    await lab.server.kill()
    const duringOutage = emitted
    await eventually(
      () => seenHere,
      (count) => count > duringOutage + 50,
    )
    expect(lastThere).toBeLessThanOrEqual(duringOutage + 1)
    await lab.server.restart()
    const back = emitted
    await eventually(
      () => lastThere,
      (number) => number > back,
      2000,
    )
    clearInterval(emitting)
    await eventually(
      () => seenHere,
      (count) => count === emitted,
    )
    process.off('unhandledRejection', onRejection)
    expect(rejections).toEqual([])
    expect(one.redis.hooks.publishesFailed).toBeGreaterThan(40)
  }, 30_000)

  it('carries log entries later where one gateway alone was cut off, and nothing else', async () => {
    const prefix = newId()
    const [one, two] = [
      await startGateway(await lab.openFar(prefix), prefix),
      await startGateway(await lab.open(prefix), prefix),
    ]
    const there = await two.connect()
    const seen: unknown[] = []
    there.onAny((event: unknown) => seen.push(event))
    await lab.link.cut('refuse')
    one.server.to(ROOM).emit('typing', toTyping('one'))
    one.server.to(ROOM).emit('session:updated', toUpdate('one', 'late').payload)
    await eventually(
      () => one.redis.hooks.publishesFailed,
      (count) => count === 2,
    )
    await lab.link.restore()
    await eventually(
      () => seen.length,
      (count) => count > 0,
    )
    expect(seen).toEqual(['session:updated'])
  }, 20_000)

  it('tells of a gap of its own subscription, in which broadcasts were lost', async () => {
    const { redis } = await startGateway(await lab.open(newId()))
    let gaps = 0
    redis.bus.onGap(() => gaps++)
    const id = await eventually(
      async () => /^id=(\d+) .* psub=1 /mu.exec(String(await stranger.client('LIST')))?.[1],
      (found) => found !== undefined,
    )
    expect(await stranger.client('KILL', 'ID', id ?? '')).toBe(1)
    await eventually(
      () => gaps,
      (count) => count === 1,
      2000,
    )
    expect(redis.hooks.gaps).toBe(1)
  })

  it('bounds what waits for a Redis that is silent', async () => {
    const near = await startGateway(await lab.openFar())
    await near.connect()
    await lab.link.cut('blackhole')
    for (let count = 0; count < 12_000; count++)
      near.server.to(ROOM).emit('message:receipt', toReceipt(count))
    await eventually(
      () => near.redis.hooks.publishesFailed,
      (count) => count === 12_000,
    )
    await lab.link.restore()
  }, 20_000)

  it('closes with its servers without a word, also without Redis', async () => {
    const gateway = await startGateway(await lab.openFar())
    await lab.link.cut('refuse')
    await gateway.server.close()
    await gateway.redis.close()
    await gateway.redis.close()
    await lab.link.restore()
  }, 20_000)
})
