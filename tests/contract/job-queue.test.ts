import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { MemoryJobQueue } from '../../shared/adapters/src/memory/memory-job-queue.ts'
import {
  createGate,
  createRecorder,
  describeJobQueue,
  newJob,
  untilAborted,
  type QueueHarness,
} from './job-queue.contract.ts'
import { describeLanes } from './job-queue.lanes.contract.ts'
import {
  createCountedHooks,
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  timeMs,
  type OpenedRedis,
  type RedisLab,
} from './redis.support.ts'

const openMemory = async (): Promise<QueueHarness> => {
  const hooks = createCountedHooks()
  const queue = new MemoryJobQueue(hooks)
  return { queue, hooks, close: () => queue.close(0) }
}
describeJobQueue('memory', openMemory)
describeLanes('memory', openMemory)

describeWithRedis('on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  const openRedis = async (): Promise<QueueHarness> => {
    const { queue, hooks } = await lab.open(newId())
    return { queue, hooks, close: () => queue.close(0) }
  }
  describeJobQueue('redis', openRedis)
  describeLanes('redis', openRedis)

  it('drops a payload that was cut in Redis, counts it once, and frees its key', async () => {
    const prefix = newId()
    const { queue, hooks } = await lab.open(prefix)
    await queue.enqueue('answer-session', newJob('same'))
    const redis = new Redis(lab.server.url)
    await redis.hset(`{${prefix}:queue}:jobs:1`, 'data', '{"v":1,"sess')
    redis.disconnect()
    const { handlers, seen } = createRecorder()
    await queue.consume(handlers, { concurrency: 1 })
    await eventually(
      () => queue.counts(),
      (counts) => Object.values(counts).every((count) => count === 0),
    )
    expect(hooks.refused).toEqual([{ source: 'job', ids: { jobId: '1' } }])
    expect(hooks.errors).toEqual([])
    expect(seen).toEqual([])
    const next = newJob('same')
    await queue.enqueue('answer-session', next)
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    expect(seen).toEqual([next])
  })

  it('leaves a job of a name that only a newer worker knows', async () => {
    const prefix = newId()
    const { queue, hooks } = await lab.open(prefix)
    await queue.enqueue('answer-session', newJob())
    const redis = new Redis(lab.server.url)
    await redis.hset(`{${prefix}:queue}:jobs:1`, 'name', 'fold-laundry')
    redis.disconnect()
    const { handlers, seen } = createRecorder()
    await queue.consume(handlers, { concurrency: 1 })
    await eventually(
      () => queue.counts(),
      ({ delayed, waiting, active }) => delayed === 1 && waiting + active === 0,
    )
    expect(seen).toEqual([])
    expect(hooks.refused).toEqual([])
  })

  it('runs a session whose job is gone from Redis and left its key behind', async () => {
    const prefix = newId()
    const { queue } = await lab.open(prefix)
    await queue.enqueue('answer-session', newJob('same'))
    const redis = new Redis(lab.server.url)
    await redis.del(`{${prefix}:queue}:jobs:1`, `{${prefix}:queue}:jobs:wait`)
    redis.disconnect()
    const { handlers, seen } = createRecorder()
    await queue.consume(handlers, { concurrency: 1 })
    const job = newJob('same')
    await queue.enqueue('answer-session', job)
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    expect(seen).toEqual([job])
  })

  describe('with other workers', () => {
    it('gives the job of an aborted handler to another worker at once, and what came after it', async () => {
      const prefix = newId()
      const [first, second] = [await lab.open(prefix), await lab.open(prefix)]
      const job = await startOne(first, untilAborted)
      const later = newJob(job.sessionId)
      await second.queue.enqueue('answer-session', later)
      const taken = createRecorder()
      await second.queue.consume(taken.handlers, { concurrency: 1 })
      const took = await timeMs(async () => {
        await first.queue.close(5000)
        await eventually(
          () => taken.seen.length,
          (count) => count === 2,
        )
      })
      expect(taken.seen).toEqual([job, later])
      expect(took).toBeLessThan(1500)
    })

    it('gives away the job of a handler that does not end', async () => {
      const prefix = newId()
      const [first, second] = [await lab.open(prefix), await lab.open(prefix)]
      const { promise: never } = createGate()
      await startOne(first, () => never)
      const taken = createRecorder()
      await second.queue.consume(taken.handlers, { concurrency: 1 })
      await first.queue.close(100)
      await eventually(
        () => taken.seen.length,
        (count) => count === 1,
        1500,
      )
    })

    it('gives away what it held for a place', async () => {
      const prefix = newId()
      const [first, second] = [await lab.open(prefix), await lab.open(prefix)]
      const { handlers, seen } = createRecorder(untilAborted)
      await first.queue.consume(handlers, { concurrency: 5 })
      for (let session = 0; session < 8; session++) {
        await first.queue.enqueue('answer-session', { ...newJob(), lane: 'one' })
      }
      await eventually(
        () => first.queue.counts(),
        ({ active, waiting }) => active === 4 && waiting === 4,
      )
      expect(seen).toHaveLength(4)
      await first.queue.close(5000)
      const taken = createRecorder()
      await second.queue.consume(taken.handlers, { concurrency: 8 })
      await eventually(
        () => taken.seen.length,
        (count) => count === 8,
        1500,
      )
    })

    it('keeps little about lanes, and nothing once the line was empty', async () => {
      const prefix = newId()
      const { queue } = await lab.open(prefix)
      const redis = new Redis(lab.server.url)
      for (let lane = 0; lane < 20; lane++) {
        await queue.enqueue('answer-session', { ...newJob(), lane: `lane-${lane}` })
      }
      expect(await redis.hlen(`{${prefix}:queue}:jobs:lanes`)).toBe(20)
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 2 })
      await eventually(
        () => seen.length,
        (count) => count === 20,
      )
      await queue.enqueue('answer-session', { ...newJob(), lane: 'next' })
      expect(await redis.hgetall(`{${prefix}:queue}:jobs:lanes`)).toEqual({ next: '1' })
      redis.disconnect()
    })

    it('runs a session at once that is asked for after Redis has lost its job', async () => {
      const prefix = newId()
      const [first, second] = [await lab.open(prefix), await lab.open(prefix)]
      const { promise: gate, resolve } = createGate()
      const { sessionId } = await startOne(first, () => gate)
      const taken = createRecorder()
      await second.queue.consume(taken.handlers, { concurrency: 1 })
      const redis = new Redis(lab.server.url)
      await redis.flushall()
      redis.disconnect()
      const took = await timeMs(async () => {
        await second.queue.enqueue('answer-session', newJob(sessionId))
        await eventually(
          () => taken.seen.length,
          (count) => count === 1,
        )
      })
      expect(took).toBeLessThan(1500)
      resolve()
    })

    it('aborts a handler whose job belongs to another worker by now', async () => {
      const prefix = newId()
      const [first, second] = [await lab.open(prefix), await lab.open(prefix)]
      const { promise: aborted, resolve } = Promise.withResolvers<boolean>()
      const taken = createRecorder((job, signal) => {
        signal.addEventListener('abort', () => resolve(true))
        return untilAborted(job, signal)
      })
      await startOne(first, taken.handlers['answer-session'])
      await second.queue.consume(taken.handlers, { concurrency: 1 })
      // What a worker finds that was paused for longer than its lock.
      const redis = new Redis(lab.server.url)
      const locks = await redis.keys(`{${prefix}:queue}:*:lock`)
      expect(locks).toHaveLength(1)
      await redis.set(locks[0] ?? '', 'another worker', 'PX', 1000)
      redis.disconnect()
      expect(await aborted).toBe(true)
      // By either of them: the first one is free for it again.
      await eventually(
        () => taken.seen.length,
        (count) => count === 2,
        12_000,
      )
    }, 20_000)
  })

  async function startOne(
    { queue }: OpenedRedis,
    work: Parameters<typeof createRecorder>[0],
  ): Promise<ReturnType<typeof newJob>> {
    const { handlers, seen } = createRecorder(work)
    await queue.consume(handlers, { concurrency: 1 })
    const job = newJob()
    await queue.enqueue('answer-session', job)
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    return job
  }
})
