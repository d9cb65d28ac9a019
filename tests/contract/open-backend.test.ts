import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBackend, type Backend, type BackendOptions } from '@chatbox/adapters'
import { newMongoDatabase, startMongo, type RunningMongo } from '../environment/servers/mongo.ts'
import { startTcpProxy, type TcpProxy } from '../environment/servers/tcp-proxy.ts'
import { createRecorder, newJob } from './job-queue.contract.ts'
import {
  createCountedHooks,
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  timeMs,
  type RedisLab,
} from './redis.support.ts'

const encryptionKeys = [{ id: 'k1', key: new Uint8Array(randomBytes(32)) }]

/** What gateway and worker do with a back end, end to end. */
async function useEverything(backend: Backend): Promise<void> {
  const startedAt = new Date().toISOString()
  const origin = { id: newId(), userId: newId(), userName: 'Ada', startedAt }
  await backend.sessions.create({ ...origin, modelId: 'demo' })
  expect(await backend.sessions.find(origin.id)).toMatchObject({ userId: origin.userId })
  const { handlers, seen } = createRecorder()
  await backend.queue.consume(handlers, { concurrency: 1 })
  await backend.queue.enqueue('answer-session', newJob())
  await eventually(
    () => seen.length,
    (count) => count === 1,
  )
  const stopped: string[] = []
  await backend.bus.onStop((replyId) => stopped.push(replyId))
  await backend.bus.publishStop('reply')
  await eventually(
    () => stopped.length,
    (count) => count === 1,
  )
  const rule = { name: 'rule', points: 1, durationMs: 1000 }
  expect(await backend.limiter.take(rule, newId())).toEqual({ allowed: true })
  expect(await backend.presence.join(newId(), newId())).toBe(1)
  for (const check of Object.values(backend.checks)) await check()
}

describe('openBackend, embedded', () => {
  let dataDir: string
  beforeAll(async () => (dataDir = await mkdtemp(join(tmpdir(), 'chatbox-backend-'))))
  afterAll(() => rm(dataDir, { recursive: true, force: true }))

  it('works with nothing but a folder, and closes as often as it is asked', async () => {
    const hooks = createCountedHooks()
    const backend = await openBackend({ kind: 'embedded', dataDir, encryptionKeys }, hooks)
    expect(Object.keys(backend.checks)).toEqual(['store', 'queue'])
    expect(backend.socketAdapter).toBeUndefined()
    await useEverything(backend)
    await Promise.all([backend.close(), backend.close()])
    await backend.close()
    for (const check of Object.values(backend.checks)) await expect(check()).rejects.toThrow()
    expect(hooks.errors).toEqual([])
  })

  it('throws for a folder that is none, and for keys that are none', async () => {
    const file = join(dataDir, 'file')
    await writeFile(file, '')
    await expect(
      openBackend({ kind: 'embedded', dataDir: file, encryptionKeys }, createCountedHooks()),
    ).rejects.toThrow()
    await expect(
      openBackend({ kind: 'embedded', dataDir, encryptionKeys: [] }, createCountedHooks()),
    ).rejects.toThrow()
  })
})

describeWithRedis('openBackend, cluster', () => {
  let lab: RedisLab
  let mongo: RunningMongo
  let mongoLink: TcpProxy
  let options: Extract<BackendOptions, { kind: 'cluster' }>
  beforeAll(async () => {
    lab = await openRedisLab({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    mongo = await startMongo()
    mongoLink = await startTcpProxy({ port: mongo.port })
    options = {
      kind: 'cluster',
      redisUrl: `redis://127.0.0.1:${lab.link.port}`,
      mongoUri: `mongodb://127.0.0.1:${mongoLink.port}/?directConnection=true`,
      mongoDatabase: newMongoDatabase(),
      encryptionKeys,
      keyPrefix: newId(),
    }
  }, 60_000)
  afterAll(async () => {
    await lab.close()
    await mongoLink.close()
    await mongo.stop()
  })

  it('waits for Redis and MongoDB, says so, and says what it cannot do', async () => {
    await lab.link.cut('refuse')
    await mongoLink.cut('refuse')
    const hooks = createCountedHooks()
    const components = (): string[] => hooks.errors.map(({ component }) => component)
    const opening = openBackend(options, hooks)
    await eventually(components, (seen) => seen.includes('redis'))
    // Neither waits for the other.
    await eventually(components, (seen) => seen.includes('mongo'), 10_000)
    await mongoLink.restore()
    await lab.link.restore()
    const backend = await opening
    for (const { error } of hooks.errors) {
      expect(String(error)).toMatch(/^\w*Error: [^\n]+$/u)
    }
    expect(String(hooks.errors.map(({ error }) => error))).toContain('allkeys-lru')
    expect(hooks.errors.length).toBeLessThan(12)

    await useEverything(backend)
    expect(Object.keys(backend.checks)).toEqual(['store', 'redis', 'queue'])
    await Promise.all([backend.close(), backend.close()])
  }, 60_000)

  it('tells within 3 s which of its back ends is away, and that it is back', async () => {
    const backend = await openBackend(options, createCountedHooks())
    const failing = async (): Promise<string[]> => {
      const names: string[] = []
      const took = await timeMs(() =>
        Promise.all(
          Object.entries(backend.checks).map(([name, check]) =>
            check().catch(() => names.push(name)),
          ),
        ),
      )
      expect(took).toBeLessThan(3000)
      return names.toSorted()
    }
    expect(await failing()).toEqual([])
    await lab.link.cut('blackhole')
    expect(await failing()).toEqual(['queue', 'redis'])
    await lab.link.restore()
    await eventually(failing, (names) => names.length === 0)
    await mongoLink.cut('blackhole')
    expect(await failing()).toEqual(['store'])
    await mongoLink.restore()
    await eventually(failing, (names) => names.length === 0, 10_000)
    await backend.close()
  }, 60_000)

  it('throws for a store address that is none though Redis is away', async () => {
    await lab.link.cut('refuse')
    const opening = openBackend({ ...options, mongoUri: 'mongodb://a:b:c' }, createCountedHooks())
    await expect(opening).rejects.toThrow()
    await lab.link.restore()
  }, 30_000)

  it('throws for an address that is none, and does not repeat it', async () => {
    for (const redisUrl of ['http://:secret@host', 'redis://:secret@a,b', 'secret']) {
      const opening = openBackend({ ...options, redisUrl }, createCountedHooks())
      await expect(opening).rejects.toThrow(/^REDIS_URL /u)
      await expect(opening).rejects.not.toThrow(/secret/u)
    }
  })
})
