import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { parseRedisAddress } from '../../shared/adapters/src/redis/client/address.ts'
import { closeClient, openClient } from '../../shared/adapters/src/redis/client/connection.ts'
import { connectRedis } from '../../shared/adapters/src/redis/client/context.ts'
import { BullJobQueue } from '../../shared/adapters/src/redis/queue/bull-job-queue.ts'
import { createGate, createRecorder, newJob, untilAborted } from './job-queue.contract.ts'
import {
  closeAll,
  createCountedHooks,
  describeWithRedis,
  eventually,
  newId,
  redisSecrets,
  openRedisLab,
  timeMs,
  type RedisLab,
} from './redis.support.ts'

describeWithRedis('JobQueue on a Redis that fails', () => {
  let lab: RedisLab
  const farWorkers: { close(): Promise<void> }[] = []
  beforeAll(async () => (lab = await openRedisLab()))
  afterEach(async () => {
    await lab.link.restore()
    await closeAll(...farWorkers.splice(0))
  })
  afterAll(() => lab.close())

  it('refuses a job within a second while Redis is away, silent or slow', async () => {
    const { queue } = await lab.openFar(newId())
    const add = (): Promise<void> => queue.enqueue('answer-session', newJob())
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
    await queue.enqueue('answer-session', newJob())
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    await lab.server.kill()
    await expect(queue.enqueue('answer-session', newJob())).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
    await lab.server.restart()
    const back = performance.now()
    await eventually(
      () =>
        queue.enqueue('answer-session', newJob()).then(
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
    const [job, whileItRan, whileSilent] = [newJob('same'), newJob('same'), newJob('same')]
    await waiter.queue.enqueue('answer-session', job)
    await eventually(
      () => first.seen.length,
      (count) => count === 1,
    )
    await waiter.queue.enqueue('answer-session', whileItRan)
    await lab.link.cut('blackhole')
    const silentSince = performance.now()
    await waiter.queue.enqueue('answer-session', whileSilent)
    const second = createRecorder()
    await waiter.queue.consume(second.handlers, { concurrency: 1 })
    await eventually(
      () => second.seen.length,
      (count) => count === 2,
      12_000,
    )
    expect(performance.now() - silentSince).toBeLessThan(8000)
    expect(second.seen).toEqual([job, whileSilent])
  }, 30_000)

  it('runs a session again soon whose run ended while its worker had no Redis', async () => {
    const { queue } = await openFarWorker(newId())
    const { promise: gate, resolve } = createGate()
    const { handlers, seen } = createRecorder(() => gate)
    await queue.consume(handlers, { concurrency: 1 })
    await queue.enqueue('answer-session', newJob('same'))
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    await lab.link.cut('refuse')
    resolve()
    await queue.enqueue('answer-session', newJob('same'))
    await lab.link.restore()
    const took = await timeMs(() =>
      eventually(
        () => seen.length,
        (count) => count >= 2,
        10_000,
      ),
    )
    expect(took).toBeLessThan(2000)
  }, 20_000)

  it.each(['freeze', 'reset'] as const)(
    'takes jobs again soon after its connections went in silence (%s)',
    async (fault) => {
      const { queue } = await openFarWorker(newId())
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      for (let round = 1; round <= 3; round++) {
        await queue.enqueue('answer-session', newJob())
        await eventually(
          () => seen.length,
          (count) => count === round,
          10_000,
        )
        await eventually(
          () => queue.counts(),
          ({ active }) => active === 0,
        )
        if (fault === 'freeze') lab.link.freeze()
        else await lab.link.cut('reset').then(() => lab.link.restore())
      }
    },
    40_000,
  )

  /** Adds jobs straight, and runs them over the link. */
  async function openFarWorker(keyPrefix: string): Promise<{ queue: BullJobQueue }> {
    const hooks = createCountedHooks()
    const redis = await connectRedis({ redisUrl: lab.server.url, keyPrefix }, redisSecrets, hooks)
    const far = parseRedisAddress(`redis://127.0.0.1:${lab.link.port}`)
    const queue = new BullJobQueue({
      ...redis,
      open: (purpose) => openClient(far, purpose, () => undefined),
    })
    farWorkers.push({ close: () => queue.close(0).then(() => closeClient(redis.commands)) })
    return { queue }
  }

  it('closes in time without Redis, with a job in hand', async () => {
    const { queue } = await lab.openFar(newId())
    const { handlers, seen } = createRecorder(untilAborted)
    await queue.consume(handlers, { concurrency: 1 })
    await queue.enqueue('answer-session', newJob())
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    await lab.link.cut('refuse')
    expect(await timeMs(() => queue.close(500))).toBeLessThan(3500)
    await lab.link.restore()
  }, 20_000)
})
