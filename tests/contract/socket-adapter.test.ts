import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { Server } from 'socket.io'
import { io, type Socket } from 'socket.io-client'
import {
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  type OpenedRedis,
  type RedisLab,
} from './redis.support.ts'

interface Gateway {
  server: Server
  redis: OpenedRedis
  connect(): Promise<Socket>
}

describeWithRedis('Socket.IO adapter on Redis', () => {
  let lab: RedisLab
  const ends: (() => Promise<unknown>)[] = []
  beforeAll(async () => (lab = await openRedisLab()))
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(() => lab.close())

  async function startGateway(redis: OpenedRedis): Promise<Gateway> {
    const http = createServer()
    const server = new Server(http, { transports: ['websocket'], adapter: redis.socketAdapter })
    server.on('connection', (socket) => void socket.join('room'))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    ends.push(() => server.close())
    const address = http.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return {
      server,
      redis,
      async connect() {
        const socket = io(`http://127.0.0.1:${address.port}`, { transports: ['websocket'] })
        ends.push(async () => socket.disconnect())
        await new Promise<void>((resolve) => socket.once('connect', resolve))
        return socket
      },
    }
  }

  async function startTwo(): Promise<[Gateway, Gateway]> {
    const prefix = newId()
    const [one, two] = [
      await startGateway(await lab.open(prefix)),
      await startGateway(await lab.open(prefix)),
    ]
    // The adapter subscribes without waiting; from here on both hear each other.
    await eventually(
      () => one.server.of('/').adapter.serverCount(),
      (count) => count === 2,
    )
    return [one, two]
  }

  it('carries what one gateway emits to the sockets of another, and its requests too', async () => {
    const [one, two] = await startTwo()
    const [here, there] = [await one.connect(), await two.connect()]
    const seen: string[] = []
    here.on('news', (text: string) => seen.push(`here ${text}`))
    there.on('news', (text: string) => seen.push(`there ${text}`))
    one.server.to('room').emit('news', 'one')
    two.server.to('room').emit('news', 'two')
    await eventually(
      () => seen.length,
      (count) => count === 4,
    )
    expect(seen.toSorted()).toEqual(['here one', 'here two', 'there one', 'there two'])
    expect(await one.server.in('room').fetchSockets()).toHaveLength(2)
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
    here.on('news', () => seenHere++)
    there.on('news', (number: number) => (lastThere = number))
    const emitting = setInterval(() => one.server.to('room').emit('news', ++emitted), 50)
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

  it('bounds what waits for a Redis that is silent', async () => {
    const near = await startGateway(await lab.openFar())
    await near.connect()
    await lab.link.cut('blackhole')
    for (let count = 0; count < 12_000; count++) near.server.to('room').emit('news', count)
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
