import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { openSqliteStore } from '@chatbox/adapters'
import { Redis } from 'ioredis'
import { describeLedger } from './ledger.contract.ts'
import { closeAll, describeWithRedis, newId, openRedisLab, type RedisLab } from './redis.support.ts'
import { createHooks, newKeyRing } from './store.support.ts'

const DAY = '2026-05-05'
const charge = (id: string, day = DAY) => ({
  id,
  day,
  accounts: ['site'],
  spending: { tokens: 5, cost: 1 },
})

async function openFile() {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatbox-ledger-'))
  const cipher = newKeyRing()
  return {
    open: () => openSqliteStore({ dataDir, cipher, hooks: createHooks() }),
    remove: () => rm(dataDir, { recursive: true }),
  }
}

describeLedger('SQLite', async () => {
  const { open, remove } = await openFile()
  const [one, two] = [await open(), await open()]
  return {
    ledger: one.ledger,
    other: two.ledger,
    async close() {
      await closeAll(one, two)
      await remove()
    },
  }
})

it('the counts of a single process outlive it', async () => {
  const { open, remove } = await openFile()
  const before = await open()
  await before.ledger.add(charge('1'))
  await before.close()
  const after = await open()
  expect(await after.ledger.read(DAY, ['site'])).toEqual([{ tokens: 5, cost: 1 }])
  expect(await after.ledger.add(charge('1'))).toBeUndefined()
  await after.ledger.add(charge('2', '2026-05-07'))
  expect(await after.ledger.read(DAY, ['site'])).toEqual([{ tokens: 0, cost: 0 }])
  await after.close()
  await remove()
})

describeWithRedis('on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  describeLedger('Redis', async () => {
    const prefix = newId()
    const [one, two] = [await lab.open(prefix), await lab.open(prefix)]
    return { ledger: one.ledger, other: two.ledger, close: () => closeAll(one, two) }
  })

  it('keeps no count for ever, and says at once that it cannot count', async () => {
    const prefix = newId()
    const { ledger } = await lab.openFar(prefix)
    await ledger.add(charge('1'))
    const redis = new Redis(lab.server.url)
    const keys = await redis.keys(`*${prefix}:budget*`)
    const lives = await Promise.all(keys.map((key) => redis.pttl(key)))
    redis.disconnect()
    expect(lives).toHaveLength(2)
    for (const life of lives) expect(life).toBeGreaterThan(0)
    await lab.link.cut('blackhole')
    const startedAt = performance.now()
    await expect(ledger.read(DAY, ['site'])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(ledger.add(charge('2'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(performance.now() - startedAt).toBeLessThan(1500)
    await lab.link.restore()
  }, 20_000)
})
