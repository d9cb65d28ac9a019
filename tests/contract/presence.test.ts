import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { PRESENCE_TTL_MS } from '@chatbox/core'
import { Redis } from 'ioredis'
import { MemoryPresence } from '../../shared/adapters/src/memory/memory-presence.ts'
import { describePresence } from './presence.contract.ts'
import {
  closeAll,
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  timeMs,
  type RedisLab,
} from './redis.support.ts'

describePresence('memory', async () => {
  const presence = new MemoryPresence()
  return { presence, other: presence, close: async () => undefined }
})

describeWithRedis('on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  describePresence('redis', async () => {
    const prefix = newId()
    const [one, two] = [await lab.open(prefix), await lab.open(prefix)]
    return {
      presence: one.presence,
      other: two.presence,
      close: () => closeAll(one, two),
    }
  })

  it('forgets the connections of a dead gateway after their time, and keeps the refreshed', async () => {
    const prefix = newId()
    const [{ presence: dead }, { presence: alive }] = [
      await lab.open(prefix),
      await lab.open(prefix),
    ]
    await dead.join('ada', 'dead')
    await alive.join('ada', 'alive')
    const redis = new Redis(lab.server.url)
    const [key = ''] = await redis.keys(`${prefix}:*`)
    const score = await redis.zscore(key, 'dead')
    const [seconds] = await redis.time()
    expect(Number(score) / 1000 - Number(seconds)).toBeGreaterThan(PRESENCE_TTL_MS / 1000 - 2)
    expect(await redis.pttl(key)).toBeLessThanOrEqual(PRESENCE_TTL_MS)
    // As if their last refresh were longer ago than that.
    const expired = Number(seconds) * 1000 - 1
    await redis.zadd(key, String(expired), 'dead', String(expired), 'alive')
    expect(await alive.count('ada')).toBe(0)
    await alive.refresh()
    expect(await alive.count('ada')).toBe(1)
    expect(await redis.zrange(key, '0', '-1')).toEqual(['alive'])
    redis.disconnect()
  })

  it('answers with its own connections while Redis is away, and shares them again after', async () => {
    const prefix = newId()
    const [{ presence }, { presence: other }] = [await lab.openFar(prefix), await lab.open(prefix)]
    await other.join('ada', 'far')
    for (const mode of ['refuse', 'reset', 'blackhole'] as const) {
      await lab.link.cut(mode)
      const took = await timeMs(async () => {
        expect(await presence.join('ada', 'one')).toBe(1)
        expect(await presence.join('ada', 'two')).toBe(2)
        await presence.leave('ada', 'one')
        expect(await presence.count('ada')).toBe(1)
        await presence.refresh()
      })
      expect(took).toBeLessThan(1000)
      await lab.link.restore()
      await eventually(
        async () => {
          await presence.refresh()
          return other.count('ada')
        },
        (count) => count === 2,
      )
    }
  }, 30_000)

  it('has everybody again one refresh after Redis came back empty', async () => {
    const { presence } = await lab.open(newId())
    const users = Array.from({ length: 450 }, newId)
    await Promise.all(users.map((userId) => presence.join(userId, newId())))
    await lab.server.kill()
    await lab.server.restart()
    await eventually(
      async () => {
        await presence.refresh()
        return Promise.all(users.map((userId) => presence.count(userId)))
      },
      (counts) => counts.every((count) => count === 1),
    )
  }, 20_000)
})
