import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { createGate, createRecorder, newJob } from './job-queue.contract.ts'
import {
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  type RedisLab,
} from './redis.support.ts'

describeWithRedis('workers that hold jobs for a place', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  /**
   * Two workers with five places each, and jobs of one lane that do not end. Which worker takes
   * a job is left to chance, and one holds what the other could run: there are as many jobs as
   * it takes until both have used up the lane's share, and then four more.
   */
  async function openHolding() {
    const prefix = newId()
    const workers = [await lab.open(prefix), await lab.open(prefix)] as const
    const watcher = await lab.open(prefix)
    const { promise: gate, resolve } = createGate()
    const { handlers, seen } = createRecorder(() => gate)
    for (const { queue } of workers) await queue.consume(handlers, { concurrency: 5 })
    let total = 0
    const ask = async () => {
      await watcher.queue.enqueue('answer-session', { ...newJob(), lane: 'one' })
      total += 1
    }
    await eventually(
      async () => {
        if (seen.length < 8) await ask()
        return seen.length
      },
      (count) => count === 8,
    )
    for (let more = 0; more < 4; more++) await ask()
    return { prefix, workers, watcher, held: total - 8, end: resolve }
  }

  it('count as waiting for everybody, and as active once they run', async () => {
    const { watcher, held, end } = await openHolding()
    const startedAt = Date.now()
    const counts = () => watcher.queue.counts()
    await eventually(counts, ({ active, waiting }) => active === 8 && waiting === held)
    expect(await watcher.queue.oldestWaitingMs()).toBeGreaterThan(0)
    expect(await watcher.queue.oldestWaitingMs()).toBeLessThan(Date.now() - startedAt + 5000)
    end()
    await eventually(counts, ({ active, waiting }) => active + waiting === 0)
    await eventually(
      () => watcher.queue.oldestWaitingMs(),
      (ms) => ms === 0,
    )
  })

  it('are before the next of their lane, and of no other', async () => {
    const prefix = newId()
    const [worker, watcher] = [await lab.open(prefix), await lab.open(prefix)]
    const { handlers } = createRecorder(() => sleep(300))
    await worker.queue.consume(handlers, { concurrency: 5 })
    const ask = (lane: string) => watcher.queue.enqueue('answer-session', { ...newJob(), lane })
    for (let session = 0; session < 80; session++) await ask('one')
    await eventually(
      async () => {
        await ask('one')
        return watcher.queue.expectedWaitMs('one')
      },
      (waitMs) => waitMs > 1000,
    )
    await ask('another')
    expect(watcher.queue.expectedWaitMs('another')).toBe(0)
  })

  it('are waiting no more when their worker takes its note back', async () => {
    const { prefix, workers, watcher, held } = await openHolding()
    await eventually(
      () => watcher.queue.counts(),
      ({ waiting }) => waiting === held,
    )
    await Promise.all(workers.map(({ queue }) => queue.close(0)))
    const redis = new Redis(lab.server.url)
    expect(await redis.exists(`{${prefix}:queue}:jobs:held`)).toBe(0)
    redis.disconnect()
  })

  it('are forgotten with a worker that is dead', async () => {
    const prefix = newId()
    const { queue } = await lab.open(prefix)
    const redis = new Redis(lab.server.url)
    const key = `{${prefix}:queue}:jobs:held`
    const note = JSON.stringify({ count: 7, oldest: 1, lanes: { one: 7 } })
    await redis.hset(key, 'dead', `${Date.now() - 1} ${note}`)
    await queue.enqueue('answer-session', { ...newJob(), lane: 'one' })
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 })
    expect(await queue.oldestWaitingMs()).toBeLessThan(5000)
    redis.disconnect()
  })
})
