import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { AppError, RETRIED_A_CALL, type QueueInspector, type SeenJob } from '@chatbox/core'
import { MemoryJobQueue } from '../../shared/adapters/src/memory/memory-job-queue.ts'
import { MemoryQueueInspector } from '../../shared/adapters/src/memory/memory-queue-inspector.ts'
import { createGate, createRecorder, newJob, type QueueHarness } from './job-queue.contract.ts'
import {
  createCountedHooks,
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  type RedisLab,
} from './redis.support.ts'

interface InspectedHarness extends QueueHarness {
  inspector: QueueInspector
}

const MANY = 10_000

const final = (code: 'LLM_UNAVAILABLE' | 'INTERNAL') =>
  Object.assign(new AppError(code, 'a word of a user'), { retryable: false })

function describeInspector(name: string, open: () => Promise<InspectedHarness>): void {
  describe(`QueueInspector: ${name}`, () => {
    let harness: InspectedHarness
    beforeEach(async () => {
      harness = await open()
    })
    afterEach(() => harness.close())

    /** Lets jobs of these sessions fail for good, one after another, until `heal` is called. */
    async function failJobs(sessionIds: string[]): Promise<{ seen: string[]; heal: () => void }> {
      let isHealed = false
      const seen: string[] = []
      const { handlers } = createRecorder(({ sessionId }) => {
        if (isHealed) seen.push(sessionId)
        else throw final(sessionId.startsWith('odd') ? 'INTERNAL' : 'LLM_UNAVAILABLE')
        return Promise.resolve()
      })
      for (const sessionId of sessionIds)
        await harness.queue.enqueue('answer-session', newJob(sessionId))
      await harness.queue.consume(handlers, { concurrency: 20 })
      await eventually(
        () => harness.queue.counts(),
        ({ failed }) => failed === sessionIds.length,
        20_000,
      )
      return { seen, heal: () => (isHealed = true) }
    }

    async function listAll(ofClass?: string, limit = 3): Promise<SeenJob[]> {
      const all: SeenJob[] = []
      let after: string | undefined
      do {
        const filter = { state: 'failed' as const, class: ofClass, limit, after }
        const { jobs, next } = await harness.inspector.list(filter)
        all.push(...jobs)
        after = next
      } while (after !== undefined)
      return all
    }

    async function retryAll(ofClass?: string): Promise<number[]> {
      const retried: number[] = []
      let after: string | undefined
      do {
        const done = await harness.inspector.retry({ class: ofClass, after })
        retried.push(done.retried)
        after = done.next
      } while (after !== undefined)
      return retried
    }

    const sessions = (kind: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `${kind}-${index}-${newId()}`)

    it('tells which sessions failed and why, by code and never by word, in pages', async () => {
      const sessionIds = [...sessions('even', 5), ...sessions('odd', 3)]
      await failJobs(sessionIds)
      const figures = await harness.inspector.figures()
      expect(figures).toMatchObject({
        ...{ waiting: 0, active: 0, failed: 8, paused: false, oldestWaitingMs: 0 },
        failedByClass: { LLM_UNAVAILABLE: 5, INTERNAL: 3 },
      })
      const all = await listAll()
      expect(new Set(all.map(({ sessionId }) => sessionId))).toEqual(new Set(sessionIds))
      expect(all).toHaveLength(8)
      expect((await listAll('INTERNAL', 2)).map(({ failed }) => failed?.class)).toEqual(
        Array(3).fill('INTERNAL'),
      )
      expect(await listAll('TIMEOUT')).toEqual([])
      expect(JSON.stringify([figures, all])).not.toContain('word of a user')
    })

    it('retries one job, once', async () => {
      const [sessionId = ''] = sessions('even', 1)
      const { seen, heal } = await failJobs([sessionId])
      const [job] = await listAll()
      heal()
      expect(await harness.inspector.retry({ jobId: job?.id })).toMatchObject({ retried: 1 })
      await eventually(
        () => seen,
        (done) => done.length === 1,
      )
      expect(await harness.inspector.retry({ jobId: job?.id })).toMatchObject({ retried: 0 })
      expect(await harness.inspector.retry({ jobId: 'unknown' })).toMatchObject({ retried: 0 })
      expect(seen).toEqual([sessionId])
    })

    it('retries a class, and leaves the others', async () => {
      const odd = sessions('odd', 4)
      const { seen, heal } = await failJobs([...sessions('even', 3), ...odd])
      heal()
      expect(await retryAll('INTERNAL')).toEqual([4])
      await eventually(
        () => seen.length,
        (count) => count === 4,
      )
      expect(new Set(seen)).toEqual(new Set(odd))
      expect((await harness.inspector.figures()).failedByClass).toEqual({ LLM_UNAVAILABLE: 3 })
    })

    it('retries all in bounded calls', async () => {
      const count = 2 * RETRIED_A_CALL + 7
      const { seen, heal } = await failJobs([...sessions('even', count - 5), ...sessions('odd', 5)])
      heal()
      const retried = await retryAll()
      expect(retried.every((part) => part <= RETRIED_A_CALL)).toBe(true)
      expect(retried.reduce((sum, part) => sum + part, 0)).toBe(count)
      await eventually(
        () => seen.length,
        (length) => length === count,
        20_000,
      )
      expect((await harness.queue.counts()).failed).toBe(0)
    })

    it('retries no session twice at once, and lets another lane’s job go before the rest', async () => {
      const sessionIds = sessions('even', 50)
      await failJobs(sessionIds)
      await harness.inspector.setPaused(true)
      await harness.queue.enqueue('answer-session', newJob(sessionIds[0]))
      await retryAll()
      const newcomer = newJob()
      await harness.queue.enqueue('answer-session', newcomer)
      const { jobs } = await harness.inspector.list({ state: 'waiting', limit: 200 })
      const waiting = jobs.map(({ sessionId }) => sessionId)
      expect(waiting).toHaveLength(51)
      expect(waiting.indexOf(newcomer.sessionId)).toBeLessThan(4)
    })

    it('lets nothing begin while it is paused, and what runs go on', async () => {
      const gate = createGate()
      const { handlers, seen } = createRecorder(() => gate.promise)
      await harness.queue.consume(handlers, { concurrency: 5 })
      const running = newJob()
      await harness.queue.enqueue('answer-session', running)
      await eventually(
        () => seen.length,
        (count) => count === 1,
      )
      await harness.inspector.setPaused(true)
      await harness.inspector.setPaused(true)
      const waiting = newJob()
      await harness.queue.enqueue('answer-session', waiting)
      gate.resolve()
      await eventually(
        () => harness.inspector.figures(),
        (figures) => figures.active === 0 && figures.waiting === 1 && figures.paused,
      )
      const { jobs } = await harness.inspector.list({ state: 'waiting', limit: 5 })
      expect(jobs).toMatchObject([{ sessionId: waiting.sessionId, attempts: 0 }])
      expect(seen).toHaveLength(1)
      await harness.inspector.setPaused(false)
      await eventually(
        () => seen.length,
        (count) => count === 2,
      )
      expect((await harness.inspector.figures()).paused).toBe(false)
    })

    it('refuses what is no cursor', async () => {
      for (const state of ['failed', 'waiting'] as const) {
        await expect(
          harness.inspector.list({ state, limit: 5, after: 'x y' }),
        ).rejects.toMatchObject({ code: 'INVALID_FORMAT' })
      }
    })
  })
}

describeInspector('memory', async () => {
  const hooks = createCountedHooks()
  const queue = new MemoryJobQueue(hooks)
  return { queue, hooks, inspector: new MemoryQueueInspector(queue), close: () => queue.close(0) }
})

describeWithRedis('on Redis', () => {
  let lab: RedisLab
  beforeAll(async () => (lab = await openRedisLab()))
  afterAll(() => lab.close())

  it('retries 10,000 in bounded calls, and a question that comes meanwhile goes before the rest', async () => {
    const prefix = newId()
    const { queue, queueInspectors } = await lab.open(prefix)
    const failedKey = `{${prefix}:queue}:jobs:failed`
    const redis = new Redis(lab.server.url)
    const work: number[] = []
    const [inspector] = queueInspectors
    if (!inspector) throw new Error('there is no inspector')
    const sessionIds = Array.from({ length: MANY }, (_, index) => `many-${index}`)
    const failing = createRecorder(() => Promise.reject(final('LLM_UNAVAILABLE')))
    await queue.consume(failing.handlers, { concurrency: 50 })
    // As many at a time as a busy machine bears, because a queue that does not answer is no finding.
    for (let from = 0; from < MANY; from += 100) {
      const part = sessionIds.slice(from, from + 100)
      await Promise.all(part.map((id) => queue.enqueue('answer-session', newJob(id))))
    }
    await eventually(
      async () => redis.zcard(failedKey),
      (failed) => failed === MANY,
      60_000,
    )
    await inspector.setPaused(true)
    let calls = 0
    let retried = 0
    let after: string | undefined
    let newcomer: string | undefined
    do {
      const before = await countCommands(redis)
      const done = await inspector.retry({ after })
      work.push((await countCommands(redis)) - before)
      expect(done.retried).toBeLessThanOrEqual(RETRIED_A_CALL)
      retried += done.retried
      after = done.next
      if (++calls === 50) {
        const job = newJob()
        newcomer = job.sessionId
        await queue.enqueue('answer-session', job)
      }
    } while (after !== undefined)
    expect(retried).toBe(MANY)
    expect(calls).toBeLessThanOrEqual(MANY / RETRIED_A_CALL + 1)
    const { jobs } = await inspector.list({ state: 'waiting', limit: 5 })
    expect(jobs.map(({ sessionId }) => sessionId)).toContain(newcomer)
    expect(await inspector.figures()).toMatchObject({ waiting: MANY + 1, failed: 0 })
    // A call with 9,900 jobs behind it does no more than one of the first.
    expect(Math.max(...work)).toBeLessThan(1.2 * (work[1] ?? 0))
    redis.disconnect()
  }, 120_000)

  describeInspector('redis', async () => {
    const { queue, hooks, queueInspectors } = await lab.open(newId())
    const [inspector] = queueInspectors
    if (!inspector) throw new Error('there is no inspector')
    return { queue, hooks, inspector, close: () => queue.close(0) }
  })
})

/** How many commands Redis has run, those of scripts included. */
async function countCommands(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats')
  return Array.from(stats.matchAll(/:calls=(\d+)/g)).reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
}
