import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import type { BusEvent } from '@chatbox/contract'
import type { Llm, LlmChunk, LlmRequest } from '@chatbox/core'
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

/** Workers that reach their store through a proxy, and a rig that sees it all the while. */
interface Workplace {
  rig: WorkerRig
  proxy: TcpProxy
  llm: PatientLlm
}

/** Says a word every second, until the store was away and has been back for a while. */
class PatientLlm implements Llm {
  requests = 0
  #backAt = Infinity

  storeIsBack(): void {
    this.#backAt = performance.now()
  }

  async *streamReply(_request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmChunk> {
    this.requests++
    while (performance.now() < this.#backAt + GOES_ON_MS) {
      yield { type: 'text', text: 'well ' }
      await sleep(1000, undefined, { signal })
    }
    yield { type: 'text', text: 'yes.' }
    yield { type: 'end' }
  }
}

describeWithCluster('a store that is away for 15 s while three workers write 20 replies', () => {
  let redis: RedisServer
  let mongo: RunningMongo
  const closers: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    ;[redis, mongo] = await Promise.all([startRedis(), startMongo()])
    closers.push(
      () => redis.stop(),
      () => mongo.stop(),
    )
  })
  afterAll(async () => {
    for (const close of closers.toReversed()) await close()
  })

  async function openWorkplace(): Promise<Workplace> {
    const proxy = await startTcpProxy({ port: mongo.port })
    closers.push(() => proxy.close())
    const mongoDatabase = newMongoDatabase()
    const encryptionKeys = newKeys()
    const open = async (mongoUri: string): Promise<WorkerRig> => {
      const rig = await openRigOn(
        {
          ...{ kind: 'cluster', redisUrl: redis.url, mongoUri, mongoDatabase, encryptionKeys },
          keyPrefix: mongoDatabase,
        },
        async () => undefined,
      )
      closers.push(() => rig.close())
      return rig
    }
    const llm = new PatientLlm()
    for (let i = 0; i < WORKERS; i++) {
      const own = await open(`mongodb://127.0.0.1:${proxy.port}/?directConnection=true`)
      const worker = await start(own, llm)
      closers.push(() => worker.stop(1000))
    }
    return { rig: await open(mongo.uri), proxy, llm }
  }

  function start(on: WorkerRig, llm: Llm): Promise<RunningWorker> {
    const { sessions, messages, replies, conversationRefs, queue, bus, clock } = on
    const logger = createLogger('test', 'silent')
    const { models, pace } = on.createWorker({ llm }).context
    return startWorker(
      {
        ...{ sessions, messages, replies, conversationRefs, queue, bus, clock },
        ...{ logger, metrics: createMetrics(), models, pace },
        ...{ ledger: on.ledger, pseudonym: on.pseudonym },
      },
      {
        models: { ...SETTINGS.models, concurrency: REPLIES, totalMs: 600_000 },
        sessions: { ...SETTINGS.sessions, idleTimeoutMs: 3_600_000 },
        budgets: SETTINGS.budgets,
      },
    )
  }

  async function outlast(mode: 'blackhole' | 'refuse'): Promise<void> {
    const { rig, proxy, llm } = await openWorkplace()
    const sessionIds: string[] = []
    const events: BusEvent[] = []
    for (let i = 0; i < REPLIES; i++) {
      const sessionId = await rig.createSession()
      await rig.bus.subscribe(sessionId, (event) => events.push(event))
      await rig.ask(sessionId, 'Hello?')
      await rig.queue.enqueue('answer-session', { v: 1, sessionId, requestId: 'r' })
      sessionIds.push(sessionId)
    }
    await until('all replies have begun', () => llm.requests === REPLIES, 20_000)
    const deltas = () => events.filter(({ event }) => event === 'reply:delta').length
    await proxy.cut(mode)
    const before = deltas()
    await sleep(AWAY_MS)
    // They go on all the while.
    expect(deltas() - before).toBeGreaterThan(REPLIES * 5)
    await proxy.restore()
    llm.storeIsBack()
    await until(
      'all are settled',
      async () => {
        const open = await Promise.all(sessionIds.map((id) => rig.replies.findOpen(id)))
        return open.every((task) => task === undefined)
      },
      60_000,
    )
    expect(llm.requests).toBe(REPLIES)
    const attempts = events.map((event) =>
      event.event === 'reply:start' ? event.payload.attempt : 1,
    )
    expect(Math.max(...attempts)).toBe(1)
    for (const sessionId of sessionIds) {
      expect((await rig.story(sessionId)).at(-1)).toMatch(/^ai complete: (well )+yes\.$/u)
    }
  }

  // At once, because both wait far more than they work.
  it('costs no second attempt, whether it is silent or refuses', async () => {
    await Promise.all([outlast('blackhole'), outlast('refuse')])
  })
})
