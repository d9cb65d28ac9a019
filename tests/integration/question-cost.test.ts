import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import type { Document } from 'mongodb'
import { startMongo, type RunningMongo } from '../environment/servers/mongo.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { startMongoLink, type MongoLink } from '../environment/servers/mongo-link.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { waitUntil } from '../environment/wait-until.ts'

jest.setTimeout(120_000)

const TOKENS = 50
const QUESTIONS = 5
/** Copies of a log's end leave 100 ms after it, and the gateway reads ahead: then all is done. */
const QUIET_MS = 400
/**
 * Of the store: the question, its copy in the list, what is open, the claim, the log, what the provider
 * calls the session, the commit, the reply, its copy, the settlement, what else is open, and the
 * gateway's reading ahead.
 */
const STORE_OPERATIONS = 12
/** With what scripts call, without deltas: most of it is BullMQ's for one job, nine for its turn. */
const REDIS_COMMANDS = 95
/** A script and what it calls. An idle process sends each token as a delta of its own. */
const COMMANDS_OF_A_DELTA = 5
const IDLE_MS = 5000

/** What is asked without a question too: by the driver, by sweeps and by watchers. */
function isIdle(command: Document): boolean {
  const text = JSON.stringify(command)
  const isSweep = /"(?:[\w.]*waitsSince|[\w.]*dueAt)":\{"\$lte|"find":"alertChannels"/u.test(text)
  const isWatch = text.startsWith('{"find":"revocations"')
  return isSweep || isWatch || /^\{"(?:hello|ismaster|ping|endSessions)"/iu.test(text)
}

function toShape(command: Document): string {
  const [name = ''] = Object.keys(command)
  const updates = command.updates as { q: Document }[] | undefined
  const filter = (command.filter ?? command.query ?? updates?.[0]?.q ?? {}) as Document
  return `${name} ${String(command[name])} ${Object.keys(filter).join(' ')}`
}

describeWithCluster('a question in a cluster', () => {
  let mongo: RunningMongo
  let link: MongoLink
  let cluster: TestCluster
  let user: ChatUser
  let redis: Redis
  let lastAt = 0
  const commands: string[] = []

  beforeAll(async () => {
    mongo = await startMongo()
    link = await startMongoLink(mongo.port, (command) => {
      if (isIdle(command)) return undefined
      lastAt = performance.now()
      commands.push(toShape(command))
      return undefined
    })
    cluster = await startTestCluster({ MONGO_URI: link.uri })
    redis = new Redis(cluster.redis.url)
    user = await openChatUser({ url: `http://127.0.0.1:${cluster.gateways[0]?.port}` })
  })
  afterAll(async () => {
    user.close()
    redis.disconnect()
    await cluster.stop()
    await link.close()
    await mongo.stop()
  })

  /** Until the reply is settled and everything that follows from it is over. */
  async function ask(sessionId: string): Promise<void> {
    const { id } = await user.send({ id: sessionId }, `tokens=${TOKENS}`)
    await user.waitFor('message:new', ({ message }) => message.replyTo === id)
    await waitUntil(() => performance.now() - lastAt > QUIET_MS)
  }

  /** With what its scripts call, by name; what is read here is not counted. */
  async function redisCalls(): Promise<Map<string, number>> {
    const info = await redis.info('commandstats')
    const found = info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gmu)
    const calls = new Map([...found].map(([, name = '', count]) => [name, Number(count)]))
    calls.delete('info')
    return calls
  }

  async function count(work: () => Promise<unknown>): Promise<Cost> {
    commands.length = 0
    const before = await redisCalls()
    const startedAt = performance.now()
    await work()
    const seconds = (performance.now() - startedAt) / 1000
    const store = Map.groupBy(commands, (shape) => shape)
    const after = await redisCalls()
    return {
      store: new Map([...store].map(([shape, all]) => [shape, all.length])),
      redis: new Map([...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)])),
      seconds,
    }
  }

  it('costs the store and Redis no more operations than it must', async () => {
    const { session } = await user.open()
    await ask(session.id)
    const idle = await count(() => sleep(IDLE_MS))
    const costs: Cost[] = []
    while (costs.length < QUESTIONS) costs.push(await count(() => ask(session.id)))
    // The median: a question that a slow machine takes its time for renews its lease as well.
    const store = toMedian(costs.map((cost) => cost.store))
    const commandsOfRedis = toMedian(costs.map((cost) => withoutIdle(cost, idle)))
    const deltas = commandsOfRedis.get('rpush') ?? 0
    const [storeCost, redisCost] = [sum(store), sum(commandsOfRedis)]
    const lines = [
      `a question of ${TOKENS} tokens: ${storeCost} store operations, ${redisCost} Redis commands, ${deltas} deltas`,
      ...[...store, ...commandsOfRedis].map(([name, calls]) => (calls ? `  ${calls} ${name}` : '')),
    ]
    process.stdout.write(`${lines.filter(Boolean).join('\n')}\n`)
    expect(storeCost).toBeLessThanOrEqual(STORE_OPERATIONS)
    expect(deltas).toBeLessThanOrEqual(TOKENS)
    expect(redisCost).toBeLessThanOrEqual(REDIS_COMMANDS + COMMANDS_OF_A_DELTA * deltas)
  })
})

interface Cost {
  store: Map<string, number>
  redis: Map<string, number>
  seconds: number
}

/** What Redis was asked for beyond what it is asked for in such a time anyway. */
function withoutIdle({ redis, seconds }: Cost, idle: Cost): Map<string, number> {
  const idleOf = (name: string) => ((idle.redis.get(name) ?? 0) * seconds) / idle.seconds
  return new Map([...redis].map(([name, calls]) => [name, Math.round(calls - idleOf(name))]))
}

function toMedian(costs: Map<string, number>[]): Map<string, number> {
  return (
    costs.toSorted((a, b) => sum(a) - sum(b))[(costs.length - 1) / 2] ?? new Map<string, number>()
  )
}

function sum(costs: ReadonlyMap<string, number>): number {
  return [...costs.values()].reduce((total, calls) => total + calls, 0)
}
