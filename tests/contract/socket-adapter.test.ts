import { expect, it } from '@jest/globals'
import type { ServerPayload } from '@chatbox/contract'
import { Redis } from 'ioredis'
import { toUpdate } from './event-bus.contract.ts'
import { describeWithRedis, eventually, newId } from './redis.support.ts'
import { ROOM, toTyping, useGateways, type Typing } from './socket-gateways.support.ts'

type Receipt = ServerPayload<'message:receipt'>

function toReceipt(seq: number): Receipt {
  return { sessionId: 'one', reader: { type: 'user', id: 'user' }, seq }
}

describeWithRedis('Socket.IO adapter on Redis', () => {
  const h = useGateways()

  async function watch(
    pattern: string,
    onText: (text: string) => void,
  ): Promise<() => Promise<void>> {
    const watcher = new Redis(h.lab.server.url)
    watcher.on('pmessage', (_pattern: string, _channel: string, text: string) => onText(text))
    await watcher.psubscribe(pattern)
    return async () => watcher.disconnect()
  }

  it('carries what one gateway emits to the sockets of another', async () => {
    const [one, two] = await h.startTwo()
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
    const [one, two] = await h.startTwo()
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

  it('answers no request of another process, and is not stopped by one', async () => {
    const [one, two] = await h.startTwo()
    const there = await two.connect()
    const every = { opts: { rooms: [], except: [] } }
    const requests = ['', 'x', '1', 'null', '{', '{}', ...[0, 1, 2, 3, 4, 5, 6, 7, 99]]
    const sent = new Set<string>()
    const answered: string[] = []
    h.ends.push(await watch(`${two.prefix}:io-response*`, (text) => answered.push(text)))
    for (const request of requests) {
      const message = typeof request === 'string' ? request : { requestId: newId(), type: request }
      const text = typeof message === 'string' ? message : JSON.stringify({ ...message, ...every })
      sent.add(text)
      await h.stranger.publish(`${two.prefix}:io-request#/#`, text)
      await h.stranger.publish(`${two.prefix}:io-response#/#`, text)
    }
    const heard = new Promise((resolve) => there.once('typing', resolve))
    one.server.to(ROOM).emit('typing', toTyping('one'))
    await heard
    expect(answered.filter((text) => !sent.has(text))).toEqual([])
    expect(there.connected).toBe(true)
  })

  it('delivers here while Redis is away and there again within 2 s after it is back', async () => {
    const [one, two] = await h.startTwo()
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
    h.ends.push(async () => clearInterval(emitting))

    await eventually(
      () => lastThere,
      (number) => number > 3,
    )
    await h.lab.server.kill()
    const duringOutage = emitted
    await eventually(
      () => seenHere,
      (count) => count > duringOutage + 50,
    )
    expect(lastThere).toBeLessThanOrEqual(duringOutage + 1)
    await h.lab.server.restart()
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
      await h.start(await h.lab.openFar(prefix), prefix),
      await h.start(await h.lab.open(prefix), prefix),
    ]
    const there = await two.connect()
    const seen: unknown[] = []
    there.onAny((event: unknown) => seen.push(event))
    await h.lab.link.cut('refuse')
    one.server.to(ROOM).emit('typing', toTyping('one'))
    one.server.to(ROOM).emit('session:updated', toUpdate('one', 'late').payload)
    await eventually(
      () => one.redis.hooks.publishesFailed,
      (count) => count === 2,
    )
    await h.lab.link.restore()
    await eventually(
      () => seen.length,
      (count) => count > 0,
    )
    expect(seen).toEqual(['session:updated'])
  }, 20_000)

  it('tells of a gap of its own subscription, in which broadcasts were lost', async () => {
    const { redis } = await h.start(await h.lab.open(newId()))
    let gaps = 0
    redis.bus.onGap(() => gaps++)
    const id = await eventually(
      async () => /^id=(\d+) .* psub=1 /mu.exec(String(await h.stranger.client('LIST')))?.[1],
      (found) => found !== undefined,
    )
    expect(await h.stranger.client('KILL', 'ID', id ?? '')).toBe(1)
    await eventually(
      () => gaps,
      (count) => count === 1,
      2000,
    )
    expect(redis.hooks.gaps).toBe(1)
  })

  it('bounds what waits for a Redis that is silent', async () => {
    const near = await h.start(await h.lab.openFar())
    await near.connect()
    await h.lab.link.cut('blackhole')
    for (let count = 0; count < 12_000; count++)
      near.server.to(ROOM).emit('message:receipt', toReceipt(count))
    await eventually(
      () => near.redis.hooks.publishesFailed,
      (count) => count === 12_000,
    )
    await h.lab.link.restore()
  }, 20_000)

  it('closes with its servers without a word, also without Redis', async () => {
    const gateway = await h.start(await h.lab.openFar())
    await h.lab.link.cut('refuse')
    await gateway.server.close()
    await gateway.redis.close()
    await gateway.redis.close()
    await h.lab.link.restore()
  }, 20_000)
})
