import { randomBytes } from 'node:crypto'
import { afterEach, expect, it, jest } from '@jest/globals'
import { findFreePort } from '../environment/servers/ports.ts'
import { newMongoDatabase, startMongo } from '../environment/servers/mongo.ts'
import {
  launchService,
  waitUntilReady,
  type Service,
  type ServiceProcess,
} from '../environment/servers/processes.ts'
import { startRedis } from '../environment/servers/redis.ts'
import { startTcpProxy } from '../environment/servers/tcp-proxy.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { TEST_SECRET } from '../environment/tokens.ts'

// Back ends and processes start, and waiting for the former is what this is about.
jest.setTimeout(60_000)

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const SETTINGS = {
  JWT_SECRET: TEST_SECRET,
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  HOST: '127.0.0.1',
  DRAIN_TIMEOUT: '5s',
}

/** A user with a password beside the open one of the tests. */
const ACCESS = ['--user', 'app', 'on', '>marker-password', '~*', '&*', '+@all']

async function launch(service: Service, env: Record<string, string>): Promise<ServiceProcess> {
  const launched = await launchService(service, { env: { ...SETTINGS, ...env } })
  closers.push(() => launched.kill())
  return launched
}

/** The status, or undefined while nothing listens. */
async function probe(service: ServiceProcess, path: string): Promise<number | undefined> {
  try {
    return (await fetch(`http://127.0.0.1:${service.managementPort}${path}`)).status
  } catch {
    return undefined
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not happen in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

for (const service of ['gateway', 'worker'] as const) {
  describeWithCluster(`a ${service} whose Redis is absent`, () => {
    it('is alive and not ready, says why without the password, and starts when it comes', async () => {
      const port = await findFreePort()
      const mongo = await startMongo()
      closers.push(() => mongo.stop())
      const process = await launch(service, {
        REDIS_URL: `redis://app:marker-password@127.0.0.1:${port}`,
        MONGO_URI: mongo.uri,
        MONGO_DATABASE: newMongoDatabase(),
      })
      await until(() => process.output().includes('ECONNREFUSED'))
      expect(await probe(process, '/healthz')).toBe(200)
      expect(await probe(process, '/readyz')).toBe(503)
      const redis = await startRedis({ port, args: ACCESS })
      closers.push(() => redis.stop())
      await waitUntilReady(process)
      expect(await process.stop()).toEqual({ code: 0, signal: null })
      expect(process.output()).not.toMatch(/marker|\bat .*[.]ts:/)
    })

    it('ends at once when it is told to while it waits', async () => {
      const port = await findFreePort()
      const process = await launch(service, {
        REDIS_URL: `redis://127.0.0.1:${port}`,
        MONGO_URI: `mongodb://127.0.0.1:${port}`,
      })
      await until(() => process.output().includes('ECONNREFUSED'))
      expect(await process.stop(3000)).toEqual({ code: 0, signal: null })
    })
  })

  describeWithCluster(`a ${service} whose store is absent`, () => {
    it('is alive and not ready, says why in a line, and starts when it comes', async () => {
      const redis = await startRedis()
      closers.push(() => redis.stop())
      const mongo = await startMongo()
      closers.push(() => mongo.stop())
      const link = await startTcpProxy({ port: mongo.port })
      closers.push(() => link.close())
      await link.cut('refuse')
      const process = await launch(service, {
        REDIS_URL: redis.url,
        MONGO_URI: `mongodb://127.0.0.1:${link.port}/?directConnection=true`,
        MONGO_DATABASE: newMongoDatabase(),
      })
      await until(() => process.output().includes('MongoDB cannot be used'))
      expect(await probe(process, '/healthz')).toBe(200)
      expect(await probe(process, '/readyz')).toBe(503)
      await link.restore()
      await waitUntilReady(process)
      expect(await process.stop()).toEqual({ code: 0, signal: null })
      expect(process.output()).not.toMatch(/\bat .*[.]ts:/)
    })

    it('names both that are absent, without waiting for either of them', async () => {
      const port = await findFreePort()
      const process = await launch(service, {
        REDIS_URL: `redis://127.0.0.1:${port}`,
        MONGO_URI: `mongodb://127.0.0.1:${port}`,
      })
      await until(() => process.output().includes('"component":"redis"'))
      await until(() => process.output().includes('"component":"mongo"'))
      expect(await process.stop(3000)).toEqual({ code: 0, signal: null })
    })
  })
}
