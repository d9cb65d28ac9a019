import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import type { BusEvent } from '@chatbox/contract'
import type { Llm } from '@chatbox/core'
import { createLogger, createMetrics, readSettings } from '@chatbox/kit'
import { startWorker, type RunningWorker } from '@chatbox/worker'
import { newMongoDatabase, startMongo, type RunningMongo } from '../environment/servers/mongo.ts'
import { startRedis, type RedisServer } from '../environment/servers/redis.ts'
import { startTcpProxy, type TcpProxy } from '../environment/servers/tcp-proxy.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { newKeys, openRigOn, until, type WorkerRig } from './worker-rig.ts'

jest.setTimeout(180_000)

const SETTINGS = readSettings({})
const WORKERS = 3
const REPLIES = 20
/** An election of a MongoDB primary takes 10 to 12 s. */
const AWAY_MS = 15_000
/** After the store is back: longer than a lease, and than anybody waits with taking one over. */
const GOES_ON_MS = 15_000

describeWithCluster('a store that is away for 15 s while three workers write 20 replies', () => {
  let redis: RedisServer
  let mongo: RunningMongo
  let proxy: TcpProxy
  let rig: WorkerRig
  const rigs: WorkerRig[] = []
  const workers: RunningWorker[] = []
  const metrics = createMetrics()
  let isBackFor = (): number => 0
  let requests = 0

  /** Says a word every second, until the store was away and has been back for a while. */
  const llm: Llm = {
    async *streamReply(_request, signal) {
      requests++
      while (isBackFor() < GOES_ON_MS) {
        yield { type: 'text', text: 'well ' }
        await sleep(1000, undefined, { signal })
      }
      yield { type: 'text', text: 'yes.' }
      yield { type: 'end' }
    },
  }

  beforeAll(async () => {
    ;[redis, mongo] = await Promise.all([startRedis(), startMongo()])
    proxy = await startTcpProxy({ port: mongo.port })
    const mongoDatabase = newMongoDatabase()
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
    for (let i = 0; i < WORKERS; i++) {
      const own = await open(`mongodb://127.0.0.1:${proxy.port}/?directConnection=true`)
      rigs.push(own)
      workers.push(await start(own))
    }
  })
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop(1000)))
    await Promise.all([...rigs, rig].map((one) => one.close()))
    await proxy.close()
    await Promise.all([redis.stop(), mongo.stop()])
  })

  function start(on: WorkerRig): Promise<RunningWorker> {
    const { sessions, messages, replies, conversationRefs, queue, bus, clock } = on
    const logger = createLogger('test', 'silent')
    const { models } = on.createWorker({ llm }).context
    return startWorker(
      {
        ...{ sessions, messages, replies, conversationRefs, queue, bus, clock },
        ...{ logger, metrics, models },
      },
      {
        models: { ...SETTINGS.models, concurrency: REPLIES, totalMs: 600_000 },
        sessions: { ...SETTINGS.sessions, idleTimeoutMs: 3_600_000 },
      },
    )
  }

  it.each(['blackhole', 'refuse'] as const)('costs no second attempt: %s', async (mode) => {
    requests = 0
    isBackFor = () => 0
    const sessionIds: string[] = []
    const events: BusEvent[] = []
    for (let i = 0; i < REPLIES; i++) {
      const sessionId = await rig.createSession()
      await rig.bus.subscribe(sessionId, (event) => events.push(event))
      await rig.ask(sessionId, 'Hello?')
      await rig.queue.enqueue('answer-session', { v: 1, sessionId, requestId: 'r' })
      sessionIds.push(sessionId)
    }
    await until('all replies have begun', () => requests === REPLIES, 20_000)
    const deltas = () => events.filter(({ event }) => event === 'reply:delta').length
    await proxy.cut(mode)
    const before = deltas()
    await sleep(AWAY_MS)
    // They go on all the while.
    expect(deltas() - before).toBeGreaterThan(REPLIES * 5)
    await proxy.restore()
    const backAt = performance.now()
    isBackFor = () => performance.now() - backAt
    await until(
      'all are settled',
      async () => {
        const open = await Promise.all(sessionIds.map((id) => rig.replies.findOpen(id)))
        return open.every((task) => task === undefined)
      },
      60_000,
    )
    expect(requests).toBe(REPLIES)
    const attempts = events.map((event) =>
      event.event === 'reply:start' ? event.payload.attempt : 1,
    )
    expect(Math.max(...attempts)).toBe(1)
    for (const sessionId of sessionIds) {
      expect((await rig.story(sessionId)).at(-1)).toMatch(/^ai complete: (well )+yes\.$/u)
    }
  })
})
