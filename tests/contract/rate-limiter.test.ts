import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createMemoryRateLimiter } from '../../shared/adapters/src/memory/memory-rate-limiter.ts'
import { countAllowed, describeRateLimiter, newRule } from './rate-limiter.contract.ts'
import {
  closeAll,
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  timeMs,
  type RedisLab,
} from './redis.support.ts'

describeRateLimiter('memory', async () => {
  const limiter = createMemoryRateLimiter()
  return { limiter, other: limiter, close: async () => undefined }
})

describeWithRedis('on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  describeRateLimiter('redis', async () => {
    const prefix = newId()
    const [one, two] = [await lab.open(prefix), await lab.open(prefix)]
    return {
      limiter: one.limiter,
      other: two.limiter,
      close: () => closeAll(one, two),
    }
  })

  it('neither opens nor blocks without Redis: each process counts for itself', async () => {
    const prefix = newId()
    const [{ limiter }, { limiter: other }] = [await lab.openFar(prefix), await lab.open(prefix)]
    for (const [mode, batch] of [
      ['refuse', 1],
      ['reset', 6],
      ['blackhole', 1],
      ['blackhole', 6],
    ] as const) {
      const rule = newRule({ points: 20, batch })
      await other.take(rule, 'ada')
      await lab.link.cut(mode)
      const took = await timeMs(async () => {
        const decisions = await Promise.all(
          Array.from({ length: 50 }, () => limiter.take(rule, 'ada')),
        )
        expect(countAllowed(decisions)).toBe(20)
      })
      expect(took).toBeLessThan(600)
      await lab.link.restore()
      // Back on the shared count, where one point is gone.
      await eventually(
        async () => {
          const probe = newRule({ points: 1 })
          await other.take(probe, 'ada')
          return limiter.take(probe, 'ada')
        },
        ({ allowed }) => !allowed,
      )
      expect(await limiter.take(rule, 'ada')).toEqual({ allowed: true })
    }
  }, 30_000)

  it('counts on after Redis was killed and came back empty', async () => {
    const { limiter } = await lab.open(newId())
    const rule = newRule({ points: 1 })
    await limiter.take(rule, 'ada')
    await lab.server.kill()
    expect(await limiter.take(rule, 'ada')).toEqual({ allowed: true })
    expect(await limiter.take(rule, 'ada')).toMatchObject({ allowed: false })
    await lab.server.restart()
    await eventually(
      () => limiter.take(rule, 'ada'),
      ({ allowed }) => allowed,
    )
    expect(await limiter.take(rule, 'ada')).toMatchObject({ allowed: false })
  }, 20_000)
})
