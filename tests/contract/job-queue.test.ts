import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { MemoryJobQueue } from '../../shared/adapters/src/embedded/memory-job-queue.ts'
import { parseRedisAddress } from '../../shared/adapters/src/redis/address.ts'
import { BullJobQueue } from '../../shared/adapters/src/redis/bull-job-queue.ts'
import { closeClient, openClient } from '../../shared/adapters/src/redis/connection.ts'
import { createGuard } from '../../shared/adapters/src/redis/guard.ts'
import { createKeys } from '../../shared/adapters/src/redis/keys.ts'
import {
  createGate,
  createRecorder,
  describeJobQueue,
  newJob,
  untilAborted,
} from './job-queue.contract.ts'
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

describeJobQueue('memory', async () => {
  const hooks = createCountedHooks()
  const queue = new MemoryJobQueue(hooks)
  return { queue, hooks, close: () => queue.close(0) }
})

describeWithRedis('on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  describeJobQueue('redis', async () => {
    const { queue, hooks } = await lab.open(newId())
    return { queue, hooks, close: () => queue.close(0) }
  })

  it('drops a payload that was cut in Redis, counts it once, and frees its id', async () => {
    const prefix = newId()
    const { queue, hooks } = await lab.open(prefix)
    await queue.enqueue('answer-message', newJob(), 'same')
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
    const next = newJob()
    await queue.enqueue('answer-message', next, 'same')
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    expect(seen).toEqual([next])
  })

  describe('with other workers', () => {
    it('gives the job of an aborted handler to another worker at once', async () => {
      const prefix = newId()
      const [first, second] = [await lab.open(prefix), await lab.open(prefix)]
      const job = await startOne(first, untilAborted)
      const taken = createRecorder()
      await second.queue.consume(taken.handlers, { concurrency: 1 })
      const took = await timeMs(async () => {
        await first.queue.close(5000)
        await eventually(
          () => taken.seen.length,
          (count) => count === 1,
        )
      })
      expect(taken.seen).toEqual([job])
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

    it('aborts a handler whose job belongs to another worker by now', async () => {
      const prefix = newId()
      const [first, second] = [await lab.open(prefix), await lab.open(prefix)]
      const { promise: aborted, resolve } = Promise.withResolvers<boolean>()
      const taken = createRecorder((job, signal) => {
        signal.addEventListener('abort', () => resolve(true))
        return untilAborted(job, signal)
      })
      await startOne(first, taken.handlers['answer-message'])
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
    await queue.enqueue('answer-message', job, newId())
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    return job
  }
})

describeWithRedis('when Redis fails', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  it('refuses a job within a second while Redis is away, silent or slow', async () => {
    const { queue } = await lab.openFar(newId())
    const add = (): Promise<void> => queue.enqueue('answer-message', newJob(), newId())
    for (const mode of ['refuse', 'reset', 'blackhole'] as const) {
      await lab.link.cut(mode)
      for (let call = 0; call < 3; call++) {
        const took = await timeMs(() =>
          expect(add()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true }),
        )
        expect(took).toBeLessThan(1000)
      }
      const took = await timeMs(() => Promise.allSettled(Array.from({ length: 50 }, add)))
      expect(took).toBeLessThan(1000)
      await lab.link.restore()
      await eventually(
        () =>
          add().then(
            () => true,
            () => false,
          ),
        (done) => done,
        5000,
      )
    }
    await queue.close(0)
  }, 30_000)

  it('goes on with jobs after Redis was killed and came back empty', async () => {
    const { queue } = await lab.open(newId())
    const { handlers, seen } = createRecorder()
    await queue.consume(handlers, { concurrency: 2 })
    await queue.enqueue('answer-message', newJob(), newId())
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    await lab.server.kill()
    await expect(queue.enqueue('answer-message', newJob(), newId())).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
    await lab.server.restart()
    const back = performance.now()
    await eventually(
      () =>
        queue.enqueue('answer-message', newJob(), newId()).then(
          () => true,
          () => false,
        ),
      (done) => done,
    )
    await eventually(
      () => seen.length,
      (count) => count >= 2,
      10_000,
    )
    expect(performance.now() - back).toBeLessThan(5000)
    await queue.close(0)
  }, 30_000)

  it('takes over from a worker that fell silent', async () => {
    const prefix = newId()
    const sleeper = await openFarWorker(prefix)
    const waiter = await lab.open(prefix)
    const first = createRecorder(untilAborted)
    await sleeper.queue.consume(first.handlers, { concurrency: 1 })
    await waiter.queue.enqueue('answer-message', newJob(), newId())
    await eventually(
      () => first.seen.length,
      (count) => count === 1,
    )
    await lab.link.cut('blackhole')
    const silentSince = performance.now()
    const second = createRecorder()
    await waiter.queue.consume(second.handlers, { concurrency: 1 })
    await eventually(
      () => second.seen.length,
      (count) => count === 1,
      12_000,
    )
    expect(performance.now() - silentSince).toBeLessThan(9000)
    await lab.link.restore()
    await Promise.all([sleeper.close(), waiter.queue.close(0)])
  }, 30_000)

  it('restarts a worker that sleeps while jobs wait and Redis answers', async () => {
    const sleeper = await openFarWorker(newId())
    const { handlers, seen } = createRecorder()
    await sleeper.queue.consume(handlers, { concurrency: 1 })
    await sleeper.queue.enqueue('answer-message', newJob(), newId())
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    await eventually(
      () => sleeper.queue.counts(),
      ({ active }) => active === 0,
    )
    lab.link.freeze()
    await sleeper.queue.enqueue('answer-message', newJob(), newId())
    await eventually(
      () => seen.length,
      (count) => count === 2,
      4000,
    )
    expect(sleeper.reports.map(String).join()).toContain('restarting a worker')
    await sleeper.close()
  }, 20_000)

  /** Adds jobs straight, and runs them over the link. */
  async function openFarWorker(prefix: string): Promise<{
    queue: BullJobQueue
    reports: unknown[]
    close(): Promise<void>
  }> {
    const reports: unknown[] = []
    const report = (error: unknown): unknown => reports.push(error)
    const far = parseRedisAddress(`redis://127.0.0.1:${lab.link.port}`)
    const commands = openClient(parseRedisAddress(lab.server.url), 'commands', report)
    await eventually(
      () => commands.status,
      (status) => status === 'ready',
    )
    const queue = new BullJobQueue({
      commands,
      guard: createGuard(() => commands.ping()),
      keys: createKeys(prefix),
      hooks: createCountedHooks(),
      open: (purpose) => openClient(far, purpose, report),
      report,
      stuckAfterMs: 1000,
    })
    return {
      queue,
      reports,
      async close() {
        await queue.close(0)
        await closeClient(commands)
      },
    }
  }

  it('closes in time without Redis, with a job in hand', async () => {
    const { queue } = await lab.openFar(newId())
    const { handlers, seen } = createRecorder(untilAborted)
    await queue.consume(handlers, { concurrency: 1 })
    await queue.enqueue('answer-message', newJob(), newId())
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    await lab.link.cut('refuse')
    expect(await timeMs(() => queue.close(500))).toBeLessThan(3500)
    await lab.link.restore()
  }, 20_000)
})
