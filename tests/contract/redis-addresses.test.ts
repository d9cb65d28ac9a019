import { expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { startRedis } from '../environment/servers/redis.ts'
import { parseRedisAddress } from '../../shared/adapters/src/redis/client/address.ts'
import { closeClient, openClient } from '../../shared/adapters/src/redis/client/connection.ts'
import { openRedis } from '../../shared/adapters/src/redis/open-redis.ts'
import { newDelta, toStart, writeReply } from './event-bus.contract.ts'
import { createRecorder, newJob } from './job-queue.contract.ts'
import {
  closeAll,
  createCountedHooks,
  describeWithRedis,
  eventually,
  newId,
  redisSecrets,
} from './redis.support.ts'

/** One pass through every part, with two processes' worth of connections. */
async function useEverything(redisUrl: string): Promise<void> {
  const hooks = createCountedHooks()
  const [one, two] = [
    await openRedis({ redisUrl }, redisSecrets, hooks),
    await openRedis({ redisUrl }, redisSecrets, hooks),
  ]
  const [sessionId, replyId] = [newId(), newId()]
  const seen: string[] = []
  await two.bus.subscribe(sessionId, ({ event }) => seen.push(event))
  await one.bus.publish(sessionId, toStart(sessionId))
  await writeReply(one.bus, { sessionId, replyId }, ['one ', 'two'])
  await one.bus.publishDelta(newDelta({ sessionId, replyId, index: 9 }), () => 'one two nine')
  await eventually(
    () => seen.length,
    (count) => count === 4,
  )
  expect(await two.bus.readDraft(sessionId, replyId)).toMatchObject({ text: 'one two nine' })
  await two.bus.dropDraft({ sessionId, replyId, attempt: 1 })

  const done = createRecorder()
  await two.queue.consume(done.handlers, { concurrency: 2 })
  await one.queue.enqueue('answer-session', newJob())
  await eventually(
    () => done.seen.length,
    (count) => count === 1,
  )
  const rule = { name: 'rule', points: 1, durationMs: 60_000 }
  expect(await one.limiter.take(rule, 'ada')).toEqual({ allowed: true })
  expect(await two.limiter.take(rule, 'ada')).toMatchObject({ allowed: false })
  for (let count = 1; count <= 10; count++) {
    expect(await one.presence.join(`user-${count}`, 'a')).toBe(1)
    expect(await two.presence.join(`user-${count}`, 'b')).toBe(2)
  }
  await one.presence.refresh()
  expect(await two.presence.count('user-1')).toBe(2)
  await closeAll(one, two)
  expect(hooks).toMatchObject({ errors: [], gaps: 0, publishesFailed: 0 })
}

describeWithRedis('everything on Redis', () => {
  it('works over Sentinel', async () => {
    const primary = await startRedis()
    const sentinel = await startRedis({ sentinelOf: { name: 'main', port: primary.port } })
    await useEverything(`redis+sentinel://127.0.0.1:${sentinel.port}/main`)
    await Promise.all([sentinel.stop(), primary.stop()])
  }, 20_000)

  // A single node with all slots already refuses every command that spans slots.
  it('works on a Redis Cluster', async () => {
    const node = await startRedis({
      args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
    })
    const admin = new Redis(node.url)
    await admin.cluster('ADDSLOTSRANGE', 0, 16_383)
    await eventually(
      () => admin.cluster('INFO'),
      (info) => info.includes('cluster_state:ok'),
    )
    admin.disconnect()
    await useEverything(`redis+cluster://127.0.0.1:${node.port},localhost:${node.port}`)
    await node.stop()
  }, 20_000)

  it('subscribes at the nodes of a Redis Cluster in turn, until one answers', async () => {
    const server = await startRedis()
    const address = parseRedisAddress(`redis+cluster://127.0.0.1:1,127.0.0.1:${server.port}`)
    const open = () => openClient(address, 'subscriptions', () => undefined)
    // Each begins at one of the two by chance.
    const clients = Array.from({ length: 10 }, open)
    await eventually(
      () => clients.filter(({ status }) => status === 'ready'),
      ({ length }) => length === clients.length,
    )
    await Promise.all(clients.map(closeClient))
    await server.stop()
  }, 20_000)
})
