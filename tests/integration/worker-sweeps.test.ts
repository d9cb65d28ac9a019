import { override } from '../environment/override.ts'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { createLogger, createMetrics, readSettings } from '@chatbox/kit'
import { startWorker, type RunningWorker } from '@chatbox/worker'
import { MongoClient, type Document } from 'mongodb'
import { newMongoDatabase, startMongo, type RunningMongo } from '../environment/servers/mongo.ts'
import { startRedis, type RedisServer } from '../environment/servers/redis.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { startMongoLink, type MongoLink } from '../environment/servers/mongo-link.ts'
import { FAST, MODEL, newKeys, openRigOn, scriptLlm, until, type WorkerRig } from './worker-rig.ts'

jest.setTimeout(120_000)

const SETTINGS = readSettings({})
const WORKERS = 3
const WAITING = 5000
/** Long enough for every worker to sweep ten times. */
const MEASURED_MS = 10_000
const TAKEN_FOR_MS = 5000
const ASKED_FOR = 1000
/** What the driver itself asks, to see whether the server is there. */
const OWN_COMMANDS = new Set(['hello', 'ismaster', 'isMaster', 'ping', 'endSessions'])

describeWithCluster('three workers with 5,000 questions waiting', () => {
  let redis: RedisServer
  let mongo: RunningMongo
  let link: MongoLink
  let rig: WorkerRig
  let client: MongoClient
  const commands: string[] = []
  const workers: RunningWorker[] = []
  const rigs: WorkerRig[] = []
  const asked: { sessionId: string; at: number }[] = []
  const mongoDatabase = newMongoDatabase()

  beforeAll(async () => {
    ;[redis, mongo] = await Promise.all([
      startRedis(),
      startMongo(undefined, { isForLongRun: true }),
    ])
    link = await startMongoLink(mongo.port, (command) => {
      const name = Object.keys(command)[0] ?? ''
      if (!OWN_COMMANDS.has(name)) commands.push(name)
      return undefined
    })
    client = await MongoClient.connect(mongo.uri)
    const encryptionKeys = newKeys()
    const open = (mongoUri: string) =>
      openRigOn(
        {
          ...{ kind: 'cluster', redisUrl: redis.url, mongoUri, mongoDatabase, encryptionKeys },
          keyPrefix: mongoDatabase,
        },
        async () => undefined,
      )
    rig = await open(mongo.uri)
    for (let i = 0; i < WORKERS; i++) rigs.push(await open(link.uri))
    for (const of of rigs) workers.push(await start(of))
    await occupy()
    await seedWaiting()
  })
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop(1000)))
    await Promise.all([...rigs, rig].map((one) => one.close()))
    await client.close()
    await link.close()
    await Promise.all([redis.stop(), mongo.stop()])
  })

  /** As in production, but for one question at once, which never ends. */
  function start(on: WorkerRig): Promise<RunningWorker> {
    const llm = scriptLlm(['Well,', () => new Promise(() => undefined)])
    const { sessions, messages, replies, conversationRefs, bus, clock } = on
    const queue = override(on.queue, {
      enqueue: (name, job) => {
        asked.push({ sessionId: job.sessionId, at: performance.now() })
        return on.queue.enqueue(name, job)
      },
    })
    const { models, pace } = on.createWorker({ llm }).context
    return startWorker(
      {
        ...{ sessions, messages, replies, conversationRefs, queue, bus, clock, models, pace },
        logger: createLogger('test', 'silent'),
        metrics: createMetrics(),
        ...{ ledger: on.ledger, pseudonym: on.pseudonym },
      },
      {
        models: { ...SETTINGS.models, concurrency: 1, totalMs: 600_000 },
        sessions: { ...SETTINGS.sessions, idleTimeoutMs: 3_600_000 },
        budgets: SETTINGS.budgets,
      },
    )
  }

  async function occupy(): Promise<void> {
    const sessionIds: string[] = []
    for (let i = 0; i < WORKERS; i++) {
      const sessionId = await rig.createSession()
      await rig.ask(sessionId, 'Hello?')
      await rig.queue.enqueue('answer-session', { v: 1, sessionId, requestId: 'r' })
      sessionIds.push(sessionId)
    }
    await until('every worker is busy', async () => {
      const open = await Promise.all(sessionIds.map((id) => rig.replies.findOpen(id)))
      return open.every((task) => task?.state === 'running')
    })
  }

  /** Copies of one that was stored as always: longer due than anything else. */
  async function seedWaiting(): Promise<void> {
    const messages = client.db(mongoDatabase).collection<Document & { _id: string }>('messages')
    const { question } = await rig.ask(await rig.createSession(), 'Hello?')
    const stored = await messages.findOne({ _id: question.id })
    const task = (stored?.tasks as { reply: Document } | undefined)?.reply
    if (!task) throw new Error('not stored')
    const longAgo = new Date(Date.now() - 600_000)
    const copies = Array.from({ length: WAITING }, () => {
      const sessionId = randomUUID()
      const own = { replyId: randomUUID(), openIn: sessionId, waitsSince: longAgo }
      return { ...stored, _id: randomUUID(), sessionId, tasks: { reply: { ...task, ...own } } }
    })
    await messages.insertMany(copies)
  }

  it('sweep with at most 20 store operations a second in all', async () => {
    const before = commands.length
    const startedAt = performance.now()
    await sleep(MEASURED_MS)
    const perSecond = ((commands.length - before) * 1000) / (performance.now() - startedAt)
    const byName = Object.groupBy(commands.slice(before), (name) => name)
    const counts = Object.entries(byName).map(([name, all]) => `${name} ${all?.length ?? 0}`)
    process.stdout.write(`store operations: ${perSecond.toFixed(1)}/s (${counts.join(', ')})\n`)
    expect(perSecond).toBeLessThanOrEqual(20)
  })

  it('put a committed answer into the log within 3 s', async () => {
    const sessionId = await rig.createSession()
    const { question } = await rig.ask(sessionId, 'And this?')
    const claim = await rig.replies.claim({ sessionId, messageId: question.id }, FAST.leaseMs)
    if (!claim) throw new Error('not claimed')
    const finishedAt = new Date().toISOString()
    const outcome = { status: 'complete', content: 'Yes.', modelId: MODEL, finishedAt } as const
    await rig.replies.commit(claim, outcome)
    const story = ['user: And this?', 'ai complete: Yes.']
    await until(
      'the answer is in the log',
      async () => (await rig.story(sessionId)).join() === story.join(),
      3000,
    )
  })

  it('ask for a question once in so many seconds', async () => {
    const isEnough = () => new Set(asked.map(({ sessionId }) => sessionId)).size > ASKED_FOR
    await until('many were asked for', isEnough, 30_000)
    const bySession = Object.groupBy(asked, ({ sessionId }) => sessionId)
    const gaps = Object.values(bySession).flatMap((times = []) =>
      times.slice(1).map(({ at }, before) => at - (times[before]?.at ?? 0)),
    )
    expect(Math.min(TAKEN_FOR_MS, ...gaps)).toBeGreaterThan(TAKEN_FOR_MS / 2)
  })
})
