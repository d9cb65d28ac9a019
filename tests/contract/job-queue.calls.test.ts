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

describeWithRedis('a call for a job on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  it('gives BullMQ no job that waits already, and each that it may not drop', async () => {
    const prefix = newId()
    const { queue } = await lab.open(prefix)
    const redis = new Redis(lab.server.url)
    // BullMQ counts every job that it is given, also one that it drops.
    const given = async (): Promise<number> => Number(await redis.get(`{${prefix}:queue}:jobs:id`))
    for (let call = 0; call < 5; call++) await queue.enqueue('answer-session', newJob('same'))
    expect(await given()).toBe(1)
    await queue.enqueue('answer-session', newJob('other'))
    expect(await given()).toBe(2)
    const { promise: gate, resolve } = createGate()
    const { handlers, seen } = createRecorder(() => gate)
    await queue.consume(handlers, { concurrency: 1 })
    await eventually(
      () => seen.length,
      (count) => count === 1,
    )
    // One that runs may have read the log already, so the session gets a job after it.
    await queue.enqueue('answer-session', newJob('same'))
    await queue.enqueue('answer-session', newJob('other'))
    expect(await given()).toBe(3)
    resolve()
    await eventually(
      () => seen.map(({ sessionId }) => sessionId),
      (ran) => ran.length === 3,
    )
    expect(seen.map(({ sessionId }) => sessionId).toSorted()).toEqual(['other', 'same', 'same'])
    redis.disconnect()
  })
})
