import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { MongoClient, type Collection } from 'mongodb'
import { newMongoDatabase } from '../environment/servers/mongo.ts'
import { launchService, type ServiceProcess } from '../environment/servers/processes.ts'
import { startTcpProxy, type TcpProxy } from '../environment/servers/tcp-proxy.ts'
import { describeWithMongo, mongo } from '../contract/mongo.support.ts'
import { runEntry } from '../environment/servers/processes.ts'
import { TEST_SECRET } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'

// Processes start, and one waits until the lease of a dead one has ended.
jest.setTimeout(60_000)

const ENTRY = fileURLToPath(new URL('../../services/migrate/src/main.ts', import.meta.url))
const PROCESSES = 10

interface Meta {
  _id: string
  version: number
  oldest: number
  oldestRelease: string
  done: { step: number }[]
  lease?: unknown
}

let client: MongoClient
let meta: Collection<Meta>
/** All that it is given. */
let env: Record<string, string>
const closers: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  if (!mongo) return
  env = { NODE_ENV: 'production', MONGO_URI: mongo.uri, MONGO_DATABASE: newMongoDatabase() }
  client = await new MongoClient(mongo.uri).connect()
  closers.push(() => client.close())
  meta = client.db(env.MONGO_DATABASE).collection('meta')
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})
/** What each line of its log says. */
function messagesOf(output: string): string[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{'))
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
}

async function openLink(): Promise<{ link: TcpProxy; behind: Record<string, string> }> {
  const link = await startTcpProxy({ port: mongo?.port ?? 0 })
  closers.push(() => link.close())
  const MONGO_URI = `mongodb://127.0.0.1:${link.port}/?directConnection=true`
  return { link, behind: { ...env, MONGO_URI } }
}

/** One that may be ended before it is done. */
async function launchMigrate(settings: Record<string, string>): Promise<ServiceProcess> {
  const launched = await launchService('worker', { env: settings, entry: ENTRY, name: 'migrate' })
  closers.push(() => launched.kill())
  return launched
}

const isDone = (message: string) => message.startsWith('done: ')

describeWithMongo('migrate', () => {
  it('says each step that it did, and the next time that there is none', async () => {
    const first = await runEntry('migrate', env)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const messages = messagesOf(first.stdout)
    expect(messages.slice(0, -1).filter(isDone)).toHaveLength(messages.length - 1)
    expect(messages.at(-1)).toBe('the store is up to date')
    expect(first.stdout).toMatch(/"step":1,"ms":\d+/)
    const second = await runEntry('migrate', env)
    expect(second).toMatchObject({ code: 0, stderr: '' })
    expect(messagesOf(second.stdout)).toEqual(['nothing to do'])
  })

  it('puts back an index that was lost, and says so', async () => {
    await runEntry('migrate', env)
    const messages = client.db(env.MONGO_DATABASE).collection('messages')
    await messages.dropIndex('log')
    const mended = await runEntry('migrate', env)
    expect(mended).toMatchObject({ code: 0, stderr: '' })
    expect(messagesOf(mended.stdout)).toEqual([
      'done: put back the indexes that were missing',
      'the store is up to date',
    ])
    expect(await messages.indexExists('log')).toBe(true)
  })

  it('does each step once when many run at once, and all end with 0', async () => {
    const ended = await Promise.all(
      Array.from({ length: PROCESSES }, () => runEntry('migrate', env)),
    )
    expect(ended.map(({ code }) => code)).toEqual(Array.from({ length: PROCESSES }, () => 0))
    const { version = 0, done = [] } = (await meta.findOne({})) ?? {}
    expect(version).toBeGreaterThan(0)
    expect(done.map(({ step }) => step)).toEqual(Array.from({ length: version }, (_, i) => i + 1))
    const said = ended.flatMap(({ stdout }) => messagesOf(stdout).filter(isDone))
    expect(said).toHaveLength(version)
  })

  it('goes on where one was killed in the middle of it', async () => {
    const { link, behind } = await openLink()
    link.setLatency(100)
    const killed = await launchMigrate(behind)
    await waitUntil(async () => (await meta.findOne({}))?.lease !== undefined, 20_000)
    await link.cut('blackhole')
    expect(await killed.kill()).toEqual({ code: null, signal: 'SIGKILL' })
    const next = await runEntry('migrate', env)
    expect(next).toMatchObject({ code: 0, stderr: '' })
    const { version = 0, done = [] } = (await meta.findOne({})) ?? {}
    expect(messagesOf(next.stdout).filter(isDone)).toHaveLength(version)
    expect(done).toHaveLength(version)
  })

  it('ends at a signal, not with 0, and another one need not wait for it', async () => {
    const { link, behind } = await openLink()
    link.setLatency(100)
    const told = await launchMigrate(behind)
    await waitUntil(async () => (await meta.findOne({}))?.lease !== undefined, 20_000)
    told.signal('SIGTERM')
    expect(await told.exited).toEqual({ code: 128 + 15, signal: null })
    expect((await meta.findOne({}))?.lease).toBeUndefined()
  })

  it('waits for a store that comes late', async () => {
    const { link, behind } = await openLink()
    await link.cut('refuse')
    const patient = await launchMigrate(behind)
    await waitUntil(() => patient.output().includes('ECONNREFUSED'))
    await link.restore()
    expect(await patient.exited).toEqual({ code: 0, signal: null })
    expect(patient.output()).toContain('the store is up to date')
  })

  it('names what is wrong with a store that does not come, without its password', async () => {
    const MONGO_URI = 'mongodb://app:marker-password@127.0.0.1:1'
    const ended = await runEntry('migrate', { ...env, MONGO_URI }, ['--within', '1s'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/^chatbox: MongoDB cannot be used: .*ECONNREFUSED.*\n$/)
    expect(ended.stdout + ended.stderr).not.toContain('marker')
  })
})

describeWithMongo('the database of a later version', () => {
  const SERVING = {
    NODE_ENV: 'development',
    // Nobody answers there: the store alone is reason enough.
    REDIS_URL: 'redis://127.0.0.1:1',
    HOST: '127.0.0.1',
    JWT_SECRET: TEST_SECRET,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  }

  it('is refused by migrate, gateway and worker, in the same sentence', async () => {
    await runEntry('migrate', env)
    await meta.updateOne({}, { $set: { version: 99, oldest: 98, oldestRelease: '7.0.0' } })
    const sentence =
      /^chatbox: the database has schema version 99, which needs chatbox 7\.0\.0 or later; this program knows schema version \d+, of chatbox \d+\.\d+\.\d+$/
    const migrated = await runEntry('migrate', env)
    expect(migrated).toMatchObject({ code: 78, stdout: '' })
    expect(migrated.stderr.trimEnd()).toMatch(sentence)
    for (const service of ['gateway', 'worker'] as const) {
      const refused = await launchService(service, { env: { ...env, ...SERVING } })
      closers.push(() => refused.kill())
      expect(await refused.exited).toEqual({ code: 78, signal: null })
      const lines = refused.output().trimEnd().split('\n')
      // The rest is JSON of the log, such as of the Redis that does not answer.
      expect(lines.filter((line) => !line.startsWith('{'))).toEqual([migrated.stderr.trimEnd()])
    }
  })
})

describe('migrate that is given bad settings', () => {
  it('asks for the address of the store and for nothing else', async () => {
    const settings = { NODE_ENV: 'production', MODE: 'cluster' }
    const { code, stderr } = await runEntry('migrate', settings)
    expect({ code, stderr }).toEqual({
      code: 78,
      stderr: 'chatbox: MONGO_URI is missing: a cluster needs it\n',
    })
  })

  it.each([
    { NODE_ENV: 'production' },
    { NODE_ENV: 'production', MODE: 'standalone' },
    { MODE: 'standalone', MONGO_URI: 'mongodb://127.0.0.1:1' },
  ])('says alone that a standalone process needs no migration: %j', async (settings) => {
    const { code, stdout, stderr } = await runEntry('migrate', settings)
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    expect(stderr).toMatch(/^chatbox: migrate is for a cluster.*data file.* when it starts\n$/)
  })

  it.each([[['--within', '60']], [['--within']], [['--force']]])('names %j', async (args) => {
    const { code, stderr } = await runEntry('migrate', { MONGO_URI: 'mongodb://127.0.0.1:1' }, args)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^chatbox: .*--within .*\n$/)
  })

  it('does not repeat an address that cannot be read', async () => {
    const { code, stderr } = await runEntry('migrate', { MONGO_URI: 'mongodb://app:mar@ker@host' })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^chatbox: MONGO_URI cannot be read: .*\n$/)
    expect(stderr).not.toContain('mar')
  })
})
